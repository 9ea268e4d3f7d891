"""Why a file is no TOML, in the words of somebody who writes prescriptions: what is wrong, and what to write instead.

tomllib says where it stopped; what people write there is known: the habits of other formats, of other languages and of
word processors.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from opennmes.prescription.places import Places, key_name, lines_of
from opennmes.visible import hidden, named

SHOWN_MAX = 60
DAY = "a day"  # instead of a unit
LISTED = ("phase", "channel", "channel.phase", "source")  # there may be several of these tables
_CLOSED = re.compile(r'"(?:\\.|[^"\\])*"' r"|'[^']*'")
# Low quotes, primes and accents; the others are known by their category.
_QUOTES = "\u201a\u201e\u2032\u2033\u00b4`"
_MINUS, _ARABIC_POINT, _IDEOGRAPHIC_COMMA = "\u2212", "\u066b", "\u3001"
_UNITS = {
    "usec": "us", "microsecond": "us", "microseconds": "us", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "m": "min", "mins": "min", "minute": "min", "minutes": "min", "hertz": "hz", "milliampere": "ma", "milliamp": "ma",
    "milliamps": "ma", "cm^2": "cm2", "cm**2": "cm2", "sqcm": "cm2", "pulse": "pulses",
}  # fmt: skip


def shortened(text: str) -> str:
    """At most the first SHOWN_MAX characters."""
    return text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "..."


def diagnose(text: str, error: ValueError, units: Mapping[str, str]) -> tuple[int | None, str]:
    """The line where `text` stops being TOML, None where it cannot be said, and the reason as the end of a sentence
    about the file. `error` is tomllib's; `units` has the unit of each key that takes a number, or DAY."""
    if reason := _other_format(text.lstrip()):
        return None, reason
    if lone := re.search(r"\r(?!\n)", text):
        line = text.count("\n", 0, lone.start()) + 1
        return line, "ends with a carriage return alone; have the editor save the file with LF or CR LF at line ends"
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
    said, number, column = (found[1], int(found[2] or 0), int(found[3] or 0)) if found else (str(error), 0, 0)
    lines = lines_of(text).split("\n")
    if "limit" in said and (long := re.search(r"\d{4000,}", text)):  # Python reads no more digits than 4300
        return text.count("\n", 0, long.start()) + 1, "has a number of thousands of digits"
    if not number and (never_closed := _open_to_the_end(lines)):
        return never_closed
    number = number or max((at for at, line in enumerate(lines, 1) if line.strip()), default=1)
    if in_list := _in_list(lines, number, column, said):
        return in_list
    begun = Places(text).end
    if begun < number and '"' not in _code(lines[number - 1]):
        number = begun  # tomllib looks for the end of a text through the rest of the file
    return number, _in_line("\n".join(lines[: number - 1]), lines[number - 1], said, units) or _unknown(said)


def _unknown(said: str) -> str:
    return f"is not valid TOML: {said}; damaged or only half written?"


def _other_format(text: str) -> str | None:
    if text.startswith("{\\rtf"):
        return "is a text with formats (RTF); save it as plain text"
    if re.match(r"\{|\[\s*[{\"]", text):
        return "is JSON and no TOML; write lines such as frequency_hz = 35 under [electrode], [limits] and [[phase]]"
    if re.match(r"\$(?:comment|date|scope|timescale|version)\b", text):
        return "is a capture of pins (VCD) and no prescription; the capture stands first: nmes verify CAPTURE FILE"
    if text.startswith("<"):
        return "is XML or HTML and no TOML; give the path of a prescription, a TOML file"
    if re.match(r"---\s", text):
        return 'is YAML and no TOML; leave the "---" out and write "=" for ":"'
    return None


def _open_to_the_end(lines: list[str]) -> tuple[int, str] | None:
    """Line and reason when a text of several lines never ends."""
    for quotes in ('"""', "'''"):
        places = [number for number, line in enumerate(lines, 1) for _ in range(line.count(quotes))]
        if len(places) % 2:
            return places[-1], f"has a text that begins with {quotes} and never ends; close it with {quotes}"
    return None


def _in_line(before: str, line: str, said: str, units: Mapping[str, str]) -> str | None:
    """The reason why a line cannot be understood."""
    if re.search(r"Unescaped|Escaped|hex value", said):
        return r'has a backslash in a text in "quotes", where it begins an escape; write \\ for one backslash'
    if twice := _twice(before, line, said):
        return twice
    code = _code(line)
    if odd := _odd_character(code, line):
        return odd
    if code.lstrip().startswith("["):
        return _header(code.strip())
    key, equals, value = (part.strip() for part in _uncommented(line).partition("="))
    if re.match(r"(//|/\*|;|--|%|!|REM\b)", code.lstrip()):
        return 'seems to be a comment; a comment begins with "#"'
    if not equals:
        return _no_equals(_uncommented(line).strip())
    if value[:1] in ("=", ">") or key.endswith(":"):
        return f'has more than one "=" or ":" between key and value; write {key.rstrip(" :")} = {value.lstrip("=> ")}'
    if not re.fullmatch(r"""(?:[A-Za-z0-9_.\s-]|"[^"]*"|'[^']*')+""", key) or re.search(r"[^.\s]\s+[^.\s]", key):
        ascii_key = unicodedata.normalize("NFKC", key).replace("μ", "u")
        words = re.sub(r"[^A-Za-z0-9]+", "_", ascii_key).strip("_") or "a_name"
        return f"has the key {shortened(key)}; a key is one word of a to z, digits, _ and -, as in {words}"
    return about_value(key, value, units)


def _twice(before: str, line: str, said: str) -> str | None:
    if not re.search(r"overwrite|twice|immutable|conflict", said):
        return None
    if header := re.match(r"\s*\[\[?\s*([^\[\]]+?)\s*\]", line):
        name = header[1]
        first = Places(before).line(name)
        where = f" (first in line {first})" if first else ""
        if name in LISTED:
            return f"has the table {name} in two ways{where}; write [[{name}]] above each"
        return f"has the table [{name}] a second time{where}; put its keys together, and leave one out"
    key = line.partition("=")[0].strip()
    places = Places(before)
    first = places.line(key_name(places.table, key))
    where = f"; it is in line {first} already" if first else " in this table"
    return f"has the key {shortened(key)} a second time{where}. Leave one of them out"


def _in_list(lines: list[str], number: int, column: int, said: str) -> tuple[int, str] | None:
    """Line and reason when a list has no end or no commas; None when it is something else."""
    line = lines[number - 1]
    there = line[column - 1 : column] if column else ""
    if "Unclosed array" in said and there in ('"', "'", ";"):
        if there == ";":
            return number, 'has ";" in a list; its texts have a comma between them: ["first", "second"]'
        return (
            number,
            'has a text without a comma before it; texts of a list have one between them: ["first", "second"]',
        )
    begun = _list_begun(lines[: number - 1])
    if begun and ("Unclosed array" in said or re.match(r"\s*(\[|[\w-]+\s*=)", line)):
        return begun, "has [ without its ]"
    return None


def _list_begun(lines: list[str]) -> int:
    """The line in which the list begins that is open after these lines; 0 when none is."""
    begun = depth = 0
    for number, line in enumerate(lines, 1):
        code = _code(line)
        value = code if depth else code.partition("=")[2]
        begun = begun if depth else number
        depth = max(0, depth + value.count("[") - value.count("]"))
    return begun if depth else 0


def _uncommented(line: str) -> str:
    """A line without its comment."""
    end = 0
    while found := re.compile(r"""[^"'#]*""").match(line, end):
        end = found.end()
        closed = _CLOSED.match(line, end)
        if closed is None:
            break
        end = closed.end()
    return line[: line.find("#", end)] if line.find("#", end) >= 0 else line


def _code(line: str) -> str:
    """A line without its comment, with x for each character of texts in closed quotes: a quote that is left opens one
    that nothing closes."""
    return _CLOSED.sub(lambda text: "x" * len(text[0]), _uncommented(line))


def _odd_character(code: str, line: str) -> str | None:
    for character in line:
        if unicodedata.category(character) == "Cc" and character != "\t":
            return f"has the control character {named(character)}; leave it out"
    opened = re.search(r"""["']""", code)
    tail = code.rstrip()[-1:]
    for character in code:
        if wanted := _meant(character):
            if opened and code.index(character) > opened.start() and tail != character:
                continue  # within a text; what is missing is its end
            what = "straight quotes, " if wanted in "\"'" else ""
            return f"has {character} ({named(character)}); write {what}{wanted}"
        if opened:
            continue
        if character.isdecimal() and not character.isascii():
            plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else _meant(c) or c for c in code)
            return f"has the digit {character} ({named(character)}); write digits from 0 to 9: {plain.strip()}"
        if character != "\t" and hidden(character):
            instead = "write an ordinary space" if unicodedata.category(character) == "Zs" else "leave it out"
            return f"has {named(character)}, which looks like nothing or a space; {instead}"
    return None


def _meant(character: str) -> str:
    """The ASCII character that is meant by one that looks much like it; "" where there is none."""
    category = unicodedata.category(character)
    if category in ("Pi", "Pf") or character in _QUOTES:
        return '"'
    if character.isascii() or hidden(character):
        return ""
    if category == "Pd" or character == _MINUS:
        return "-"
    plain = {_ARABIC_POINT: ".", _IDEOGRAPHIC_COMMA: ","}.get(character, unicodedata.normalize("NFKC", character))
    plain = "=" if plain == ":" else plain
    return plain if len(plain) == 1 and plain.isascii() and not plain.isalnum() else ""


def _header(code: str) -> str | None:
    name = re.sub(r"[^A-Za-z_.]", "", code)
    right = f"[[{name}]]" if name in LISTED else f"[{name}]"
    if code == right:
        return None
    return f"has {shortened(code)}; a table begins with its name between brackets and nothing else: {right}"


def _no_equals(code: str) -> str:
    if colon := re.fullmatch(r"([\w.\"'-]+)\s*:\s*(.*)", code):
        key, value = colon[1].strip("\"'"), colon[2].rstrip(",")
        if not value:
            return f'has ":" after {key}; a table begins with its name between brackets: [{key}], or [[phase]]'
        return f'has ":" where TOML has "="; write {shortened(f"{key} = {value}")}'
    if pair := re.fullmatch(r"([\w-]+)\s+(\S.*)", code):
        return f'has no "=" between key and value; write {shortened(f"{pair[1]} = {pair[2]}")}'
    return f'has {shortened(code)} without "=" and a value; write it as key = value'


def about_value(key: str, value: str, units: Mapping[str, str]) -> str | None:
    """What is wrong with a value that TOML does not know, as it stands behind `key =`; None where that is not known."""
    if not value:
        return f'has no value after "{key} ="'
    unit = units.get(key.rpartition(".")[2])
    trailing = re.fullmatch(r"(.*?)\s*[,;]+", value)
    if trailing and (value[0] not in "\"'" or _CLOSED.fullmatch(trailing[1])) and "=" not in trailing[1]:
        return f"ends with {value[-1]!r}; leave it out: {shortened(f'{key} = {trailing[1]}')}"
    if value[0] in "\"'":
        return _about_text(key, value)
    if re.search(r"[^=]=", value):
        return "has more than one key; write each in a line of its own"
    if re.search(r"\s(//|--|;|/\*)", value):
        return 'seems to have a comment at its end; a comment begins with "#"'
    if unit == DAY:
        return f"has {shortened(value)} for {key}; it has to be a day of the calendar as year-month-day: 2026-12-31"
    if number := about_number(key, value, unit):
        return number
    if value[0] in "[{":
        if re.search("[\"']", _CLOSED.sub("", value)):
            return "has a text that is not closed in its line; write its quotes at its end as well"
        closing = "]" if value[0] == "[" else "}"
        words = [word.strip() for word in value[1:-1].split(",")]
        if value[0] + value[-1] == "[]" and (bare := [word for word in words if re.match(r"[^\W\d]", word)]):
            right = ", ".join(f'"{word}"' if word in bare else word for word in words)
            return f"has a text without quotes in its list; write {shortened(f'{key} = [{right}]')}"
        return f"has {value[0]} without its {closing}" if value.count(value[0]) != value.count(closing) else None
    if unit is not None:
        return f"has {shortened(value)} for {key}; it has to be a number of {unit}, with a point and without a unit"
    if re.match(r"[^\W\d]", value):
        return f'has a text without quotes; write {shortened(f"{key} = ")}"{shortened(value)}"'
    return None


def _about_text(key: str, value: str) -> str | None:
    closed = _CLOSED.match(value)
    if closed is None:
        return f"has a text that is not closed; write {value[0]} at its end as well"
    if rest := value[closed.end() :].strip():
        return (
            f'has {shortened(rest)} after the closed text {shortened(closed[0])}; a quote within a text is written \\"'
        )
    return None


def about_number(key: str, value: str, unit: str | None) -> str | None:
    """Why `value` is no number as TOML has them, and how it would be one; None where it looks like none."""

    def instead(number: str) -> str:
        return f"write {shortened(f'{key} = {number}')}"

    if re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", value):
        point, none = value.replace(",", "."), value.replace(",", "")
        return f"has a comma in its number; write {point} or {none}, whichever is meant"
    if re.fullmatch(r"[+-]?\d+,\d+", value):
        return f"has a decimal comma; {instead(value.replace(',', '.'))}"
    if re.fullmatch(r"[+-]?\.\d+", value):
        return f"has a number that begins with its point; {instead(value.replace('.', '0.'))}"
    if re.fullmatch(r"[+-]?\d+\.", value):
        return f"has a number that ends with its point; {instead(value + '0')}"
    if re.fullmatch(r"[+-]?0+\d+(\.\d+)?", value):
        sign = value[0] if value[0] in "+-" else ""
        return f"has a number with zeros before it; {instead(sign + re.sub('^0+(?=[0-9])', '', value.lstrip('+-')))}"
    if re.fullmatch(r"[+-]?\d+(?:[ ']+\d+)+|[+-]?[\d_]*_[\d_]*", value):
        return f"has {shortened(value)}; write the digits of one number without anything between them"
    if re.fullmatch(r"[+-]?\d{1,3}(?:([.,'])\d{3})+[.,]\d+", value):
        return f"has a number in groups; write {key} = and its digits together, with a point before the decimals"
    if with_unit := re.fullmatch(r"([+-]?\d+(?:[.,]\d+)?)\s*([^\W\d_%]\S*|[µμ°%]\S*)", value):
        number, named_unit = with_unit[1].replace(",", "."), with_unit[2]
        if unit is None:
            return f"has {shortened(named_unit)} after its number; write the number alone, or a text in quotes"
        said = named_unit.replace("µ", "u").replace("μ", "u").replace("²", "2").lower().rstrip(".")
        if _UNITS.get(said, said) == unit.lower():
            return f"has a unit after its number; the key's name says it already: {instead(number)}"
        return f"has {named_unit} after its number; {key} is in {unit}: write the number of {unit} alone"
    if re.match(r"[<>≤≥~≈±]|[+-]?[\d.]+\s*(?:-|\.\.+|/|\*|to\b)", value):
        return f"has {shortened(value)}, which is not one number; write the one that is meant"
    return None
