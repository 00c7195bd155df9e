"""Scenes in town: skylines, harbours and markets."""

from gallery.demo.backdrops import ridge, sky, stars
from gallery.demo.paint import Canvas
from gallery.demo.palettes import WHITE, Color, mix


def skyline(canvas: Canvas) -> None:
    """Paint a city at night, its lit windows mirrored in the river."""
    _night_city(canvas, 0.72)
    canvas.reflect(0.72, canvas.palette.water[1], 0.35)


def _night_city(canvas: Canvas, ground: float) -> None:
    """Paint three rows of towers with lit windows, standing on `ground`, below a moon."""
    palette, rng = canvas.palette, canvas.rng
    canvas.gradient([*palette.sky, mix(palette.sky[-1], palette.accents[1], 0.45)], 0, ground)
    stars(canvas, ground * 0.6, 140)
    moon = rng.uniform(0.12, 0.88), 0.14
    canvas.glow(*moon, 0.22, palette.sun, 0.4)
    canvas.disc(*moon, 0.042, palette.sun)
    for rank in range(3):
        tone = mix(
            mix(palette.sky[-1], palette.accents[1], 0.2), palette.land[1], 0.25 + 0.35 * rank
        )
        x = -0.02
        while x < 1:
            width = rng.uniform(0.05, 0.1) * (1 if canvas.width > canvas.height else 1.5)
            middle = 1 - abs(x - 0.5)
            top = ground - rng.uniform(0.1, 0.44) * middle * (1.15 - 0.25 * rank)
            _tower(canvas, x, x + width, top, ground, tone, 0.2 + 0.16 * rank)
            x += width + rng.uniform(-0.005, 0.02)


def _tower(
    canvas: Canvas, left: float, right: float, top: float, foot: float, color: Color, lit: float
) -> None:
    """Paint one tower; `lit` is the share of its windows that are lit."""
    palette, rng = canvas.palette, canvas.rng
    canvas.box(left, top, right, foot, color)
    crown = rng.random()
    if crown < 0.3:
        middle = (left + right) / 2
        canvas.polygon([(left, top), (right, top), (middle, top - 0.05)], color)
        canvas.line([(middle, top), (middle, top - 0.1)], color, 0.003)
    elif crown < 0.6:
        canvas.box(
            left + 0.2 * (right - left), top - 0.025, right - 0.2 * (right - left), top, color
        )
    columns = max(2, round((right - left) * canvas.width / canvas.unit / 0.016))
    pane, floor = (right - left) / columns, 0.019 * canvas.unit / canvas.height
    for row in range(int((foot - top) / floor)):
        for column in range(columns):
            if rng.random() > lit:
                continue
            x, y = left + (column + 0.28) * pane, top + (row + 0.4) * floor
            glow = mix(palette.accents[0], color, rng.uniform(0, 0.55))
            canvas.box(x, y, x + pane * 0.45, y + floor * 0.5, glow)


def harbour(canvas: Canvas) -> None:
    """Paint a row of colourful houses behind moored sailing boats."""
    palette, rng = canvas.palette, canvas.rng
    quay = 0.6
    sky(canvas, quay, (rng.uniform(0.1, 0.3), 0.12), 0.5)
    ridge(canvas, quay - 0.22, 0.18, mix(*palette.land, 0.45), palette.land[0])
    _row_of_houses(canvas, quay, 0.075, 0.17, 0.3)
    canvas.box(0, quay - 0.012, 1, quay, mix(palette.ground[1], (90, 85, 85), 0.5))
    canvas.reflect(quay, palette.water[1], 0.42)
    for boat in range(5):
        x, y = 0.1 + 0.2 * boat + rng.uniform(-0.05, 0.05), 0.68 + 0.055 * (boat * 2 % 5)
        _boat(canvas, x, y, 0.1 + 0.35 * (y - 0.6), palette.accents[boat])


def _boat(canvas: Canvas, x: float, y: float, size: float, color: Color) -> None:
    """Paint one small boat with its mast and its reflection."""
    shade = mix(canvas.palette.water[1], color, 0.35)
    canvas.polygon(
        canvas.around(
            x,
            y,
            [
                (-0.85 * size, 0.08 * size),
                (0.9 * size, 0.08 * size),
                (0.5 * size, 0.42 * size),
                (-0.5 * size, 0.42 * size),
            ],
        ),
        shade,
    )
    canvas.line(
        canvas.around(x, y, [(0.05 * size, -0.2 * size), (0.05 * size, -2.1 * size)]),
        (236, 230, 220),
        size * 0.04,
    )
    canvas.line(
        canvas.around(x, y, [(0.05 * size, -2.1 * size), (0.95 * size, -0.3 * size)]),
        (200, 195, 190),
        size * 0.012,
    )
    canvas.line(
        canvas.around(x, y, [(0.05 * size, -2.1 * size), (-0.85 * size, -0.3 * size)]),
        (200, 195, 190),
        size * 0.012,
    )
    canvas.polygon(
        canvas.around(
            x,
            y,
            [
                (-0.35 * size, -0.3 * size),
                (-0.28 * size, -0.58 * size),
                (0.3 * size, -0.58 * size),
                (0.42 * size, -0.3 * size),
            ],
        ),
        (250, 247, 240),
    )
    canvas.polygon(
        canvas.around(
            x,
            y,
            [
                (-0.2 * size, -0.5 * size),
                (0.24 * size, -0.5 * size),
                (0.28 * size, -0.38 * size),
                (-0.22 * size, -0.38 * size),
            ],
        ),
        (70, 90, 110),
    )
    canvas.polygon(
        canvas.around(
            x,
            y,
            [
                (-0.95 * size, -0.36 * size),
                (1.05 * size, -0.4 * size),
                (0.72 * size, 0.1 * size),
                (-0.72 * size, 0.1 * size),
            ],
        ),
        color,
    )
    canvas.polygon(
        canvas.around(
            x,
            y,
            [
                (-0.95 * size, -0.36 * size),
                (1.05 * size, -0.4 * size),
                (1.0 * size, -0.3 * size),
                (-0.92 * size, -0.26 * size),
            ],
        ),
        WHITE,
    )


def _row_of_houses(canvas: Canvas, foot: float, narrow: float, low: float, high: float) -> None:
    """Paint houses side by side on `foot`, at least `narrow` wide, `low` to `high` tall."""
    palette, rng = canvas.palette, canvas.rng
    wide = 1 if canvas.width >= canvas.height else 1.7
    x, index = -0.02, rng.randrange(4)
    while x < 1:
        width = rng.uniform(narrow, narrow * 1.5) * wide
        wall = mix(palette.accents[index % len(palette.accents)], WHITE, rng.uniform(0.08, 0.35))
        _house(canvas, x, x + width, foot - rng.uniform(low, high), foot, wall)
        x += width
        index += rng.choice((1, 1, 2))


def _house(canvas: Canvas, left: float, right: float, top: float, foot: float, wall: Color) -> None:
    """Paint the front of one house: tiled roof, shuttered windows and a door."""
    rng = canvas.rng
    width = right - left
    square = canvas.width / canvas.height
    dark = mix(wall, (40, 30, 50), 0.55)
    roof = mix((176, 84, 58), wall, 0.2)
    canvas.shaded(
        [(left, top), (right, top), (right, foot), (left, foot)],
        [mix(wall, WHITE, 0.15), mix(wall, (60, 40, 60), 0.15)],
    )
    rise = width * 0.24 * square
    canvas.polygon(
        [
            (left - 0.004, top),
            (left + 0.12 * width, top - rise),
            (right - 0.12 * width, top - rise),
            (right + 0.004, top),
        ],
        roof,
    )
    canvas.box(left - 0.004, top - 0.004, right + 0.004, top + 0.005, mix(roof, (50, 20, 20), 0.4))
    columns, floor = (2 if width < 0.11 else 3), width * 0.52 * square
    floors = max(1, int((foot - top - 0.02) / floor))
    shutter = rng.choice([(60, 110, 96), (70, 96, 130), (240, 236, 226), dark])
    for row in range(floors):
        for column in range(columns):
            x = left + width * (column + 0.5) / columns
            y = top + 0.02 + (foot - top - 0.02) * (row + 0.42) / floors
            half, tall = width * 0.15 * 2 / columns * 0.62, floor * 0.27
            if row == floors - 1 and column == columns // 2:
                canvas.box(x - half * 1.1, y - tall, x + half * 1.1, foot, dark)
                continue
            canvas.box(x - half * 2, y - tall, x + half * 2, y + tall, shutter)
            canvas.box(
                x - half,
                y - tall,
                x + half,
                y + tall,
                mix((66, 82, 104), (250, 220, 160), rng.choice((0, 0.1, 0.7))),
            )
            canvas.box(x - half * 2, y + tall, x + half * 2, y + tall * 1.14, mix(wall, WHITE, 0.5))


def market(canvas: Canvas) -> None:
    """Paint market stalls: striped awnings over crates of fruit."""
    palette = canvas.palette
    sky(canvas, 0.4, None, 0.4)
    _row_of_houses(canvas, 0.56, 0.12, 0.26, 0.48)
    canvas.gradient([mix(palette.ground[1], (100, 90, 90), 0.3), palette.ground[1]], 0.52)
    stalls = 3 if canvas.width > canvas.height else 2
    for stall in range(stalls):
        left, right = (stall + 0.04) / stalls, (stall + 0.96) / stalls
        canvas.box(
            left + 0.01, 0.4, right - 0.01, 0.66, mix((70, 48, 44), palette.accents[stall], 0.2)
        )
        for pole in (left + 0.008, right - 0.008):
            canvas.line([(pole, 0.38), (pole, 0.98)], (96, 72, 56), 0.011)
        _awning(canvas, left, right, 0.3, palette.accents[stall * 2 % 4])
        for shelf in range(3):
            _crates(canvas, left + 0.015, right - 0.015, 0.66 + 0.125 * shelf)


def _awning(canvas: Canvas, left: float, right: float, top: float, color: Color) -> None:
    """Paint a striped awning with a scalloped edge."""
    stripes = 8
    for stripe in range(stripes):
        a, b = stripe / stripes, (stripe + 1) / stripes
        inner, span = left + 0.08 * (right - left), 0.84 * (right - left)
        tone = color if stripe % 2 else (252, 247, 238)
        low = [(left + (right - left) * t, 0.43) for t in (b, a)]
        canvas.shaded(
            [(inner + span * a, top), (inner + span * b, top), *low],
            [mix(tone, WHITE, 0.1), mix(tone, (60, 30, 50), 0.14)],
        )
        centre, half = (
            left + (right - left) * (a + b) / 2,
            (right - left) / stripes / 2 * canvas.width / canvas.unit,
        )
        canvas.oval(centre, 0.43, half, half * 0.8, mix(tone, (60, 30, 50), 0.16))


def _crates(canvas: Canvas, left: float, right: float, top: float) -> None:
    """Paint one shelf of crates, each with a different fruit."""
    rng = canvas.rng
    fruits = [
        (224, 62, 44),
        (247, 164, 30),
        (132, 172, 58),
        (250, 214, 74),
        (122, 52, 104),
        (236, 108, 60),
        (90, 140, 70),
    ]
    crates = 3
    for crate in range(crates):
        a = left + (right - left) * crate / crates + 0.004
        b = left + (right - left) * (crate + 1) / crates - 0.004
        fruit = rng.choice(fruits)
        canvas.box(a, top - 0.02, b, top + 0.06, mix((70, 40, 30), fruit, 0.3))
        for row in range(3):
            for _ in range(9):
                x, y = (
                    rng.uniform(a + 0.01, b - 0.01),
                    top - 0.035 + 0.022 * row + rng.uniform(-0.008, 0.008),
                )
                tone = mix(fruit, (60, 20, 20), rng.uniform(0, 0.25))
                canvas.disc(x, y, 0.019, mix(tone, (40, 15, 20), 0.3))
                canvas.disc(x, y, 0.0165, tone)
                canvas.disc(*canvas.near(x, y, -0.005, -0.006), 0.004, mix(tone, WHITE, 0.55))
        wood = mix((186, 140, 92), (120, 84, 54), rng.random() * 0.5)
        canvas.box(a, top + 0.03, b, top + 0.105, wood)
        canvas.box(a, top + 0.064, b, top + 0.07, mix(wood, (50, 30, 20), 0.5))
