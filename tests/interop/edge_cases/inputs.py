"""Columns with edge cases, and request bodies made of them.

A column has three cells with JSON values: text, numbers, True and False, and None if the value is missing. A cell whose
text in CSV differs is a pair of that text and the value. CSV bodies avoid cells to which versions of pandas give
different types: they contain no integers beyond 64 bits, and the only missing value is the empty cell.
"""
import json

# The cells of each column, by the name that the tables use.
COLUMNS = {
    "integers": [1, 2, 3],
    "floats": [1.5, 2.0, -3.25],
    "all missing": [None, None, None],
    "integers with a gap": [1, None, 3],
    "floats with a gap": [None, 2.5, 4.0],
    "known text": ["a", "b", "x"],
    "known text with a gap": ["a", None, "b"],
    "all text": ["one", "two", "one"],
    "one text": ["a", "a", "a"],
    "mixed": [1, "a", 2.5],
    "mixed with a gap": [1, "a", None],
    "bool": [True, False, True],
    "only True": [True, True, True],
    "bool with a gap": [True, None, False],
    "wide digits": ["\uff11", "\uff12.\uff15", "3"],
    "digits of other scripts": ["\u0663", "-\u0967\u0968", "\U0001d7db"],
    "wide digits with a gap": ["\uff11", None, "2"],
    "digits and no digits": ["\uff11", "\u00b2", "3"],
    "Python's spelling": ["1_0", " 2.5 ", "\u20033"],
    "nan as text": ["1_0", "NAN", "+Inf"],
    "infinity": [1, ("inf", float("inf")), 2],
    "minus infinity": [("-inf", float("-inf")), 0.5, 1],
    "infinity with a gap": [("inf", float("inf")), None, 2],
    "more categories": ["a", "new", "b"],
    "all new": ["p", "q", "r"],
    "more numbers": [1, 99, 2],
    "fractions": [1.0, 1.25, 2.0],
    "whole floats": [(("1.0"), 1.0), ("2.0", 2.0), ("3.0", 3.0)],
    "negative": [-1, -2, 0],
    "zeros": [0, 0, 0],
    "minus zero": [("-0.0", -0.0), 0.5, 1],
    "beyond int64": [9223372036854775808, 1, 2],
    "beyond exact": [9007199254740993, 1, 2],
    "huge": [("1e300", 1e300), 1, ("-1e300", -1e300)],
    "tiny": [("1e-300", 1e-300), 0.5, 1],
    "sentinel": [-1, 5, -1],
    "question marks": ["?", "a", "b"],
}

# The columns that are combined with every other column.
BESIDE = ["integers", "floats", "known text"]


def texts(column):
    """The cells as CSV."""
    def text(cell):
        if isinstance(cell, tuple):
            return cell[0]
        return "" if cell is None else str(cell)
    return [text(cell) for cell in COLUMNS[column]]


def values(column):
    """The cells as JSON."""
    return [cell[1] if isinstance(cell, tuple) else cell for cell in COLUMNS[column]]


def pairs():
    """The pairs of columns for bodies of two columns: each column twice, and before and after those of BESIDE."""
    made = [(name, name) for name in COLUMNS]
    for name in COLUMNS:
        for other in BESIDE:
            made += [pair for pair in [(name, other), (other, name)] if pair not in made]
    return made


def csv_of(columns):
    def field(text):
        return '"%s"' % text.replace('"', '""') if any(c in text for c in ',"\n\r') or text == "" else text
    return "".join(",".join(field(text) for text in row) + "\n" for row in zip(*[texts(column) for column in columns]))


def json_of(columns):
    return json.dumps([list(row) for row in zip(*[values(column) for column in columns])])


def bodies(width):
    """The bodies for a model of `width` columns, each by the names of its columns."""
    return pairs() if width == 2 else [(name,) for name in COLUMNS]
