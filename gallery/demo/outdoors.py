"""Scenes in the open air: coasts, mountains, deserts and northern skies."""

from math import cos, pi, sin

from gallery.demo.backdrops import hills, palm, peak, pine, ridge, sea, sky, stars
from gallery.demo.paint import Canvas
from gallery.demo.palettes import WHITE, Color, mix


def beach(canvas: Canvas) -> None:
    """Paint a sandy beach with surf and parasols."""
    palette, rng = canvas.palette, canvas.rng
    horizon = 0.4
    sky(canvas, horizon, (rng.uniform(0.15, 0.85), 0.13), rng.uniform(0.35, 0.55))
    hills(
        canvas, horizon - 0.015, 0.06, mix(palette.land[0], palette.land[1], 0.35), palette.water[0]
    )
    sea(canvas, horizon)
    phase = rng.uniform(0, 2 * pi)
    for drop, tone in (
        (0.0, mix(palette.water[1], WHITE, 0.35)),
        (0.015, WHITE),
        (0.026, mix(*palette.ground, 0.9)),
        (0.05, palette.ground[0]),
    ):
        shore = [
            (
                i / 60,
                0.64
                + drop
                + 0.1 * i / 60
                + 0.016 * sin(i / 7 + phase)
                + 0.007 * sin(i / 2.3 + phase * drop * 40),
            )
            for i in range(61)
        ]
        canvas.shaded(
            [*shore, (1, 1), (0, 1)], [tone, mix(tone, palette.ground[0], 0.8), palette.ground[0]]
        )
    for _ in range(700):
        canvas.disc(
            rng.random(),
            rng.uniform(0.82, 1),
            rng.uniform(0.0008, 0.002),
            mix(*palette.ground, rng.random()),
        )
    for spot in range(3):
        x, y = (
            0.14 + 0.31 * spot + rng.uniform(-0.05, 0.05),
            0.84 + 0.035 * spot + rng.uniform(-0.02, 0.02),
        )
        _parasol(canvas, x, y, 0.15 + 0.035 * spot, palette.accents[spot])


def _parasol(canvas: Canvas, x: float, foot: float, height: float, color: Color) -> None:
    """Paint a striped parasol that stands in the sand, with a towel in its shade."""
    shade = mix(canvas.palette.ground[1], (60, 45, 50), 0.35)
    canvas.oval(*canvas.near(x, foot, height * 0.35, 0.012), height * 0.62, height * 0.11, shade)
    towel = [(0.1, -0.04), (0.75, -0.04), (0.9, 0.16), (0.2, 0.16)]
    canvas.polygon(
        canvas.around(x, foot, [(a * height, b * height) for a, b in towel]),
        canvas.palette.accents[4],
    )
    stripe = [(0.28, -0.04), (0.42, -0.04), (0.54, 0.16), (0.39, 0.16)]
    canvas.polygon(canvas.around(x, foot, [(a * height, b * height) for a, b in stripe]), color)
    canvas.line(
        [canvas.near(x, foot, 0, 0), canvas.near(x, foot, 0, -height)], (240, 235, 225), 0.005
    )
    radius = height * 0.72
    for panel in range(6):
        start, end = pi * (1 + panel / 6), pi * (1 + (panel + 1) / 6)
        rim = [
            (
                radius * cos(start + (end - start) * t / 5),
                radius * 0.62 * sin(start + (end - start) * t / 5),
            )
            for t in range(6)
        ]
        sag = [(rim[-1][0], 0.0), ((rim[0][0] + rim[-1][0]) / 2, -0.05 * height), (rim[0][0], 0.0)]
        top = (0.0, -radius * 0.62)
        tone = color if panel % 2 else mix(WHITE, color, 0.08)
        canvas.polygon(
            canvas.around(x, foot - 0.62 * height * canvas.unit / canvas.height, [top, *rim, *sag]),
            mix(tone, (40, 30, 60), panel * 0.035),
        )


def sunset(canvas: Canvas) -> None:
    """Paint the sun setting behind the sea, between palms and a sailing boat."""
    palette, rng = canvas.palette, canvas.rng
    horizon, sun_x = 0.58, rng.uniform(0.42, 0.6)
    sky(canvas, horizon, (sun_x, horizon - 0.07), 0.6, 0.075)
    sea(canvas, horizon, sun_x=sun_x)
    dark = mix(palette.land[1], (10, 5, 15), 0.5)
    boat_x, size = sun_x + rng.choice((-0.2, 0.2)), 0.16
    canvas.polygon(
        canvas.around(
            boat_x,
            horizon + 0.03,
            [
                (-0.4 * size, -0.08 * size),
                (0.4 * size, -0.08 * size),
                (0.26 * size, 0.06 * size),
                (-0.28 * size, 0.06 * size),
            ],
        ),
        dark,
    )
    canvas.polygon(
        canvas.around(
            boat_x,
            horizon + 0.03,
            [(0, -size), (0.02 * size, -0.12 * size), (-0.36 * size, -0.12 * size)],
        ),
        dark,
    )
    canvas.polygon(
        canvas.around(
            boat_x,
            horizon + 0.03,
            [(0.04 * size, -0.85 * size), (0.06 * size, -0.12 * size), (0.34 * size, -0.12 * size)],
        ),
        dark,
    )
    slope = [(i / 40, 0.95 - 0.1 * (1 - i / 40) ** 3 + 0.008 * sin(i / 2)) for i in range(41)]
    canvas.polygon([*slope, (1, 1), (0, 1)], dark)
    for x in (0.07, 0.17):
        palm(canvas, x, 0.9, rng.uniform(0.42, 0.62), dark)


def mountains(canvas: Canvas) -> None:
    """Paint snow-capped peaks above fir forests."""
    palette, rng = canvas.palette, canvas.rng
    sky(canvas, 0.8, (rng.uniform(0.1, 0.3), 0.16), 0.45)
    ridge(canvas, 0.5, 0.16, mix(palette.land[0], palette.sky[-1], 0.4), palette.sky[-1])
    for x in sorted((0.1, 0.92, 0.34, 0.68), key=lambda _: rng.random()):
        peak(
            canvas,
            x + rng.uniform(-0.06, 0.06),
            rng.uniform(0.2, 0.38),
            0.82,
            mix(*palette.land, rng.uniform(0.25, 0.5)),
        )
    canvas.haze(0.5, 0.8, palette.sky[-1], 0.55)
    for layer in range(4):
        tone = mix(palette.land[1], palette.sky[-1], 0.5 - 0.16 * layer)
        base = 0.72 + 0.075 * layer
        hills(canvas, base + 0.04, 0.05, tone, mix(tone, palette.land[0], 0.3))
        for _ in range(46 - 9 * layer):
            pine(
                canvas,
                rng.random(),
                base + rng.uniform(0.03, 0.07),
                rng.uniform(0.055, 0.08) * (1 + 0.65 * layer),
                mix(tone, (12, 22, 26), rng.uniform(0.1, 0.35)),
            )


def lake(canvas: Canvas) -> None:
    """Paint mountains mirrored in a still lake."""
    palette, rng = canvas.palette, canvas.rng
    shore = 0.56
    sky(canvas, shore, (rng.uniform(0.6, 0.85), 0.14), 0.5)
    for x in (0.15, 0.78, 0.46):
        peak(
            canvas,
            x + rng.uniform(-0.05, 0.05),
            rng.uniform(0.16, 0.3),
            shore + 0.06,
            mix(*palette.land, rng.uniform(0.2, 0.5)),
        )
    canvas.haze(0.35, shore, palette.sky[-1], 0.4)
    hills(canvas, shore - 0.015, 0.045, mix(*palette.land, 0.75), palette.land[1])
    for _ in range(70):
        tone = mix(palette.land[1], (14, 26, 30), rng.uniform(0, 0.5))
        pine(
            canvas,
            rng.choice((rng.uniform(0, 0.4), rng.uniform(0.62, 1))),
            shore + 0.003,
            rng.uniform(0.04, 0.1),
            tone,
        )
    canvas.reflect(shore, palette.water[1], 0.3)
    for _ in range(26):
        x, y = rng.random() ** 2 * 0.9, rng.uniform(0.95, 1.01)
        stone = mix(palette.land[1], (70, 68, 72), 0.7)
        canvas.oval(
            x,
            y,
            rng.uniform(0.03, 0.07),
            rng.uniform(0.018, 0.035),
            mix(stone, WHITE, rng.uniform(0, 0.25)),
        )


def dunes(canvas: Canvas) -> None:
    """Paint sand dunes, one face lit and the other in shade."""
    palette, rng = canvas.palette, canvas.rng
    lit, dark = palette.ground
    sky(canvas, 0.55, (rng.uniform(0.12, 0.3), 0.18), 0.3)
    for layer in range(5):
        share = layer / 4
        base, tall = 0.5 + 0.115 * layer, 0.09 + 0.05 * share
        top_x, width = rng.uniform(0.15, 0.85), rng.uniform(0.28, 0.4)
        crest = [(i / 80, base - tall * _bump(i / 80, top_x, width)) for i in range(81)]
        sunny = mix(mix(lit, palette.sky[-1], 0.5), lit, share)
        shade = mix(mix(dark, palette.sky[-1], 0.5), dark, share)
        canvas.shaded(
            [*crest, (1, 1), (0, 1)], [mix(sunny, WHITE, 0.12), sunny, mix(sunny, shade, 0.45)]
        )
        lee = [point for point in crest if point[0] >= top_x]
        end = lee[-1][0]
        belly = [
            (x, y + tall * 1.25 * sin(pi * min(1.0, (x - top_x) / (end - top_x)) ** 0.6))
            for x, y in lee
        ]
        canvas.shaded(lee + belly[::-1], [shade, mix(shade, sunny, 0.55)])
    for row in range(16):
        y = 0.9 + 0.007 * row
        ripple = [
            (i / 60, y + 0.006 * sin(i / 5 + row * 0.5) + 0.003 * sin(i / 1.7)) for i in range(61)
        ]
        canvas.line(ripple, mix(lit, dark, 0.3 + 0.02 * row), 0.0016)


def _bump(x: float, top: float, width: float) -> float:
    """Return the height, at most 1, of a dune whose crest lies at `top`."""
    gap = abs(x - top) / (width * (1.25 if x < top else 0.75))
    return (1 + cos(pi * min(1.0, gap / 1.6))) / 2 + 0.05 * sin(x * 17 + top * 9)


def aurora(canvas: Canvas) -> None:
    """Paint curtains of northern light above snowy firs."""
    palette, rng = canvas.palette, canvas.rng
    canvas.gradient(palette.sky)
    stars(canvas, 0.75, 320)
    for curtain, color in enumerate((palette.accents[3], palette.accents[2], palette.accents[5])):
        phase, base = rng.uniform(0, 6), 0.3 + 0.12 * curtain
        for i in range(110):
            x = i / 109
            foot = base + 0.1 * sin(x * 5 + phase) + 0.03 * sin(x * 13 + phase * 2)
            ray = 0.5 + 0.5 * sin(x * 47 + 3 * sin(x * 9 + phase))
            for lift in range(4):
                canvas.glow(
                    x, foot - 0.055 * lift, 0.075, color, (0.12 + 0.16 * ray) * (1 - 0.22 * lift)
                )
    ridge(canvas, 0.82, 0.12, mix(palette.land[0], WHITE, 0.12), palette.land[1])
    hills(canvas, 0.92, 0.05, mix(palette.ground[0], palette.accents[5], 0.15), palette.ground[1])
    for _ in range(22):
        pine(canvas, rng.random(), rng.uniform(0.9, 0.99), rng.uniform(0.12, 0.26), palette.land[1])
