"""The backgrounds of many scenes: skies, seas, hills, peaks, trees and stars."""

from itertools import pairwise
from math import cos, pi, sin

from gallery.demo.paint import Canvas, Point
from gallery.demo.palettes import WHITE, Color, mix


def sky(
    canvas: Canvas,
    horizon: float,
    sun: Point | None = None,
    cover: float = 0.5,
    size: float = 0.045,
) -> None:
    """Paint the sky down to `horizon`, with clouds, and a sun of radius `size` at `sun`."""
    palette = canvas.palette
    canvas.gradient(palette.sky, 0, horizon)
    if sun is not None:
        canvas.glow(*sun, 0.95, palette.sun, 0.6)
    canvas.clouds(0, horizon, mix(palette.sky[-1], WHITE, 0.55), cover)
    if sun is not None:
        canvas.glow(*sun, size * 5, palette.sun, 0.9)
        canvas.disc(*sun, size, mix(palette.sun, WHITE, 0.4))


def stars(canvas: Canvas, bottom: float, count: int) -> None:
    """Paint `count` stars above `bottom`; a few are bright."""
    rng = canvas.rng
    for _ in range(count):
        spot = rng.random(), rng.random() * bottom
        bright = rng.random() ** 5
        color = mix(
            rng.choice([(255, 235, 210), (215, 228, 255), WHITE]), (40, 55, 95), 0.6 - bright / 2
        )
        if bright > 0.8:
            canvas.glow(*spot, 0.014, (190, 210, 255), 0.7)
        canvas.disc(*spot, 0.0008 + 0.0018 * bright, color)


def sea(canvas: Canvas, top: float, bottom: float = 1.0, sun_x: float | None = None) -> None:
    """Paint water below the horizon `top`, with ripples and the reflected sun below `sun_x`."""
    palette, rng = canvas.palette, canvas.rng
    far, close = palette.water
    canvas.gradient([mix(far, palette.sky[-1], 0.35), far, close], top, bottom)
    for _ in range(520):
        depth = rng.random() ** 1.5
        y = top + (bottom - top) * depth
        base = mix(far, close, depth)
        tone = rng.choice([mix(base, WHITE, 0.22), mix(base, palette.land[1], 0.22)])
        _ripple(canvas, rng.random(), y, depth, tone)
    if sun_x is None:
        return
    for _ in range(420):
        depth = rng.random()
        x = rng.gauss(sun_x, 0.012 + 0.06 * depth)
        tone = mix(palette.sun, far, rng.random() * 0.5)
        _ripple(canvas, x, top + (bottom - top) * depth, depth * 0.7, tone)


def _ripple(canvas: Canvas, x: float, y: float, depth: float, color: Color) -> None:
    """Paint one flat wave; it is larger where it is closer to the viewer (`depth` 1)."""
    half = canvas.rng.uniform(0.006, 0.014) + 0.03 * depth
    canvas.oval(x, y, half, 0.0009 + 0.0026 * depth, color)


def hills(canvas: Canvas, base: float, height: float, color: Color, haze: Color) -> None:
    """Paint one layer of smooth hills around `base`, `height` tall, fading into `haze` below."""
    rng = canvas.rng
    waves = [
        (height / (n + 1), rng.uniform(0.6, 1.4) * (n + 1), rng.uniform(0, 2 * pi))
        for n in range(4)
    ]
    crest = [
        (i / 80, base - sum(a * sin(2 * pi * f * i / 80 + p) for a, f, p in waves) / 2)
        for i in range(81)
    ]
    canvas.shaded([*crest, (1, 1), (0, 1)], [color, color, haze])


def ridge(canvas: Canvas, base: float, height: float, color: Color, haze: Color) -> None:
    """Paint one layer of rugged ridge around `base`, fading into `haze` below."""
    heights, swing = [canvas.rng.uniform(-1, 1) for _ in range(5)], 0.6
    while len(heights) < 120:
        middles = [(a + b) / 2 + canvas.rng.uniform(-swing, swing) for a, b in pairwise(heights)]
        heights = [h for pair in zip(heights, middles, strict=False) for h in pair] + heights[-1:]
        swing *= 0.52
    crest = [(i / (len(heights) - 1), base - height * h / 2) for i, h in enumerate(heights)]
    canvas.shaded([*crest, (1, 1), (0, 1)], [color, color, haze])


def peak(
    canvas: Canvas, x: float, top: float, base: float, color: Color, *, snow: bool = True
) -> None:
    """Paint one mountain with a lit face on the left, a shaded face on the right and a snow cap."""
    rng = canvas.rng
    half = (base - top) * rng.uniform(0.75, 0.95) * canvas.height / canvas.width
    steps = 14

    def edge(lean: float, jag: float) -> list[Point]:
        spread = [lean * half * i / steps for i in range(steps + 1)]
        return [
            (x + s + (rng.uniform(-jag, jag) * half if i else 0), top + (base - top) * i / steps)
            for i, s in enumerate(spread)
        ]

    left, middle, right = edge(-1, 0.035), edge(0.12, 0.09), edge(1, 0.035)
    shade = mix(color, (20, 26, 52), 0.38)
    canvas.shaded(left + right[::-1], [color, mix(color, canvas.palette.sky[-1], 0.5)])
    canvas.shaded(middle + right[::-1], [shade, mix(shade, canvas.palette.sky[-1], 0.45)])
    if not snow:
        return
    lit, dim = mix(WHITE, canvas.palette.sun, 0.3), mix(color, WHITE, 0.5)
    for side, other, tone in ((left, middle, lit), (middle, right, dim)):
        teeth = [
            (
                a[0] + (b[0] - a[0]) * t / 6,
                a[1] + (b[1] - a[1]) * t / 6 + (t % 2) * (base - top) * rng.uniform(0.05, 0.12),
            )
            for a, b in [(side[4], other[4])]
            for t in range(7)
        ]
        canvas.polygon([*side[:5], *teeth, *other[4::-1]], tone)


def pine(canvas: Canvas, x: float, foot: float, height: float, color: Color) -> None:
    """Paint a fir tree `height` lengths tall, its trunk ending at `foot`."""
    rng = canvas.rng
    canvas.polygon(
        canvas.around(x, foot, [(-0.02 * height, 0), (0.02 * height, 0), (0, -height)]),
        mix(color, (40, 25, 15), 0.5),
    )
    for tier in range(8):
        y = -height * (0.1 + 0.9 * tier / 8)
        half = height * 0.22 * (1 - tier / 8.6) * rng.uniform(0.88, 1.12)
        rise = height * 0.2
        skirt = [
            (-half, y),
            (-half * 0.45, y - rise * 0.28),
            (0, y - rise),
            (half * 0.45, y - rise * 0.28),
            (half, y),
        ]
        canvas.polygon(
            canvas.around(
                x, foot, [*skirt, (half * 0.3, y - rise * 0.1), (-half * 0.3, y - rise * 0.08)]
            ),
            color,
        )


def palm(canvas: Canvas, x: float, foot: float, height: float, color: Color) -> None:
    """Paint a leaning palm tree `height` lengths tall."""
    rng = canvas.rng
    lean = rng.choice((-1, 1)) * rng.uniform(0.15, 0.3) * height
    trunk = [(lean * (i / 10) ** 2, -height * i / 10) for i in range(11)]
    canvas.line(canvas.around(x, foot, trunk), color, 0.028 * height)
    for leaf in range(9):
        angle = pi * (1.12 + 0.76 * leaf / 8) + rng.uniform(-0.12, 0.12)
        reach = height * rng.uniform(0.36, 0.46)
        spine = [
            (
                lean + cos(angle) * reach * t / 6,
                -height + sin(angle) * reach * t / 6 + 0.42 * reach * (t / 6) ** 2 * 1.6,
            )
            for t in range(7)
        ]
        under = [(px, py + 0.1 * height * sin(pi * i / 6)) for i, (px, py) in enumerate(spine)]
        canvas.polygon(canvas.around(x, foot, spine + under[::-1]), color)
