"""Scenes from close by: lights, flowers and patterns."""

from math import cos, pi, sin, sqrt

from gallery.demo.paint import Canvas, Point
from gallery.demo.palettes import WHITE, Color, mix


def bokeh(canvas: Canvas) -> None:
    """Paint soft discs of light out of focus."""
    palette, rng = canvas.palette, canvas.rng
    canvas.gradient(
        [
            mix(palette.sky[0], palette.land[1], 0.4),
            mix(palette.sky[1], palette.land[1], 0.25),
            palette.land[1],
        ]
    )
    for layer in range(3):
        for _ in range(14):
            x, y, radius = rng.random(), rng.random(), rng.uniform(0.03, 0.11) * (1 - 0.2 * layer)
            tone = mix(
                rng.choice([*palette.accents, palette.sun]),
                mix(palette.sky[1], palette.land[1], 0.5),
                rng.uniform(0.35, 0.75),
            )
            canvas.disc(x, y, radius, tone)
            canvas.ring(x, y, radius, mix(tone, WHITE, 0.18), 0.004)
        if layer < 2:
            canvas.blur(0.03 - 0.014 * layer)
    canvas.blur(0.003)


def _petal(canvas: Canvas, root: Point, angle: float, reach: float, color: Color) -> None:
    """Paint one pointed petal with a light edge and a fold down its middle."""
    outline = [(reach * t / 12, reach * 0.2 * sin(pi * (t / 12) ** 1.35)) for t in range(13)]
    for scale, tone in (
        (1.0, mix(color, (60, 0, 40), 0.25)),
        (0.93, color),
        (0.45, mix(color, WHITE, 0.16)),
    ):
        both = [(a, b * scale) for a, b in outline] + [(a, -b * scale) for a, b in outline[::-1]]
        turned = [
            (a * cos(angle) - b * sin(angle), a * sin(angle) + b * cos(angle)) for a, b in both
        ]
        canvas.polygon(canvas.around(*root, turned), tone)


def sunflower(canvas: Canvas) -> None:
    """Paint the centre of a sunflower, its seeds in a golden spiral."""
    palette, rng = canvas.palette, canvas.rng
    canvas.gradient([palette.land[1], mix(palette.land[1], palette.land[0], 0.4)])
    x, y, golden = 0.5, 0.5, 2.39996
    for petal in range(46):
        tone = mix(mix((250, 184, 20), palette.accents[2], 0.25), (200, 96, 10), rng.random() * 0.6)
        _petal(
            canvas,
            canvas.near(x, y, 0.3 * cos(petal * golden), 0.3 * sin(petal * golden)),
            petal * golden,
            0.42,
            tone,
        )
    canvas.disc(x, y, 0.39, (58, 34, 20))
    for seed in range(1, 760):
        share = sqrt(seed / 760)
        angle = seed * golden
        tone = (
            mix((132, 150, 60), (120, 70, 26), min(1.0, share * 1.7))
            if share < 0.55
            else mix((96, 52, 22), (236, 160, 40), (share - 0.55) * 2)
        )
        spot = canvas.near(x, y, 0.385 * share * cos(angle), 0.385 * share * sin(angle))
        canvas.disc(*spot, 0.0045 + 0.006 * share, mix(tone, (30, 14, 8), 0.55))
        canvas.disc(
            *canvas.near(*spot, -0.0016, -0.002),
            0.003 + 0.005 * share,
            mix(tone, WHITE, rng.random() * 0.15),
        )
    canvas.glow(0.3, 0.25, 0.7, (255, 240, 190), 0.3)


def tiles(canvas: Canvas) -> None:
    """Paint a wall of glazed tiles in a repeated star pattern."""
    palette, rng = canvas.palette, canvas.rng
    blue, gold, pale = (
        mix(palette.accents[3], (20, 40, 120), 0.4),
        mix(palette.accents[1], (240, 180, 60), 0.5),
        (246, 243, 234),
    )
    side = 0.25
    for row in range(int(canvas.height / canvas.unit / side) + 1):
        for column in range(int(canvas.width / canvas.unit / side) + 1):
            spot = canvas.near(0, 0, (column + 0.5) * side, (row + 0.5) * side)
            glaze = mix(pale, palette.sky[-1], rng.uniform(0, 0.25))
            half = side / 2 * 0.975
            canvas.polygon(
                canvas.around(*spot, [(-half, -half), (half, -half), (half, half), (-half, half)]),
                glaze,
            )
            for corner in range(4):
                at = canvas.near(
                    *spot, half * (1, -1, -1, 1)[corner], half * (1, 1, -1, -1)[corner]
                )
                quarter = [(0.0, 0.0)] + [
                    (side * 0.34 * cos(a), side * 0.34 * sin(a))
                    for a in (pi * (1 + corner / 2 + t / 16) for t in range(9))
                ]
                canvas.polygon(canvas.around(*at, quarter), blue)
                canvas.polygon(
                    canvas.around(*at, [(a * 0.72, b * 0.72) for a, b in quarter]), glaze
                )
                canvas.polygon(canvas.around(*at, [(a * 0.5, b * 0.5) for a, b in quarter]), gold)
            star = [
                (side * r * cos(pi * t / 8), side * r * sin(pi * t / 8))
                for t in range(16)
                for r in [0.36 if t % 2 == 0 else 0.15]
            ]
            canvas.polygon(canvas.around(*spot, star), blue)
            canvas.polygon(
                canvas.around(*spot, [(a * 0.68, b * 0.68) for a, b in star]),
                mix(blue, WHITE, 0.55),
            )
            canvas.disc(*spot, side * 0.07, gold)
            canvas.disc(*spot, side * 0.03, blue)
    canvas.glow(0.25, 0.2, 0.9, WHITE, 0.3)
