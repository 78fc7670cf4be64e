"""Write python-parity.golden.json: what Python's re does with our texts. Standard library only.

Run with CPython 3.11: python3 test/steps/python-parity.py
"""

import json
import re
import sys
import unicodedata
from pathlib import Path

WHITE = [chr(code) for code in range(sys.maxunicode + 1) if re.match(r"\s", chr(code))]
# Not white space, though some think so: zero-width space, joiner, non-joiner, BOM, RTL mark, Mongolian separator.
NOT_WHITE = ["\u200b", "\u200d", "\u200c", "\ufeff", "\u200f", "\u180e", "\u0001", "\u0084", "\u0086"]
TEMPLATES = ["a{}b", "{}a{}{}", "a {} b", "x http://a.b/c{}d", "www.{}x", "<b{}>t</b>", "< {} >a", "{}"]

HAND_MADE = [
    "", " ", "\n", "\u00a0", " \u3000 ", "www.", "www. ", "http://", "https://x", "WWW.X.Y http", "httpss://x", "xhttp://y z",
    "see http://a.b/c?d=e#f, then", "http://a.b<br>next", "<a href='http://a.b/c'>text</a> more", "<a href=http://a.b/c>text",
    "http://a.b>x", "www.a.bwww.c.d e", "www.www.www", "http://www.a.b", "(www.a.b) c", "http://ना.com/पथ है",
    "<", ">", "<>", "< >", "<<>>", "<<a>b>", "<a><b>c</b></a>", "<a", "a>", "<a<b>c", "a < b and c > d", "1 < 2", "<a\nb>c", "<a\rb>c",
    "<a\r\nb>c", "<a\u2028b>c", "<a\u0085b>c", "<a\u000bb>c", "<!-- x -->y", "<!-- <b> -->y", "<br/>x<br />y", "<" * 40, "<>" * 40, "<a>" * 3 + "<",
    "line one\nline two\r\nline three\rline four", "a\n\n\nb", " \t a \t b \t ", "tab\there", "a\u000b\u000cb", "a\u001c\u001d\u001e\u001fb",
    "नेपाल ०१२३ क्षेत्र", "काठमाडौं\u00a0महानगरपालिका", "कि\u200dष", "<b>नमस्ते</b>\u2003संसार", "www.नेपाल.com/क\u2029ख",
    "\U0001f600 smile \U0001f468\u200d\U0001f469\u200d\U0001f467", "<b>\U0001f600</b>", "\u200fשלום\u200f עולם", "\u202eabc\u202c def",
    "e\u0301 é", "İstanbul ıI", "it's \"quoted\" \\ back\\slash \\1 \\g<1>", "$x^ .* [a] (b) {c} |", "% _ ' '' ;--", "\ufeffstart", "zero\u200bwidth",
    "&lt;b&gt; &amp; &nbsp;x", "a" * 300 + "  " + "b" * 300, "  lead and trail  ", "\u2007figure\u202fnarrow\u205fmath\u1680ogham",
]


def original(text):
    text = re.sub(r"https?://\S+|www\.\S+", "", text)
    text = re.sub(r"<.*?>", "", text)
    text = re.sub(r"\n", " ", text)
    return re.sub(r"\s+", " ", text).strip()


# pattern, replacement, texts
CASES = [
    (r"https?://\S+|www\.\S+", "", ["a http://x.y/z b www.c", "www.", "WWW.a"]),
    (r"(?i)https?://\S+|www\.\S+", "<url>", ["a HTTP://x.y/z b wWw.c", "httpſ://x y"]),
    (r"<.*?>", "", ["<a>b</a>", "<a\nb>", "a < b"]),
    (r"(?s)<.*?>", "", ["<a\nb>c", "<a"]),
    (r"(?s:<.*?>).", "-", ["<a\nb>c<d>\n"]),
    (r"<[^>]*>", " ", ["<a\nb>c<", "<<>>"]),
    (r"\s+", " ", ["a \u00a0\u2028b", "\u180e\u200b", "\x0b\x1c\x85"]),
    (r"\S+", "x", ["a\u00a0b\u2028\u3000c \u200b"]),
    (r"[^\s]", "x", ["a\u00a0b\u2028\x1c\x0b"]),
    (r"^\s+|\s+\n\n", "", ["\u3000a \n\n", "a\n\n\n"]),
    (r"\d+", "#", ["१२३ ٤٥ ７ 12 ² ½ Ⅷ"]),
    (r"\D+", "-", ["a१b2²c"]),
    (r"[\d,.]+", "#", ["1,234.५6 and ,."]),
    (r"\w+", "w", ["नेपाल क्षेत्र naïve ½ ² Ⅷ _x e\u0301 ⓐ", "a-b_c", "\u0345ͅ ι"]),
    (r"\W+", " ", ["नेपाल, क्षेत्र!", "a\u200db"]),
    (r"[^\w\s]+", "", ["Hello, वर्ल्ड! it's _ok_", "ⓐ😀"]),
    (r"(?i)[\w.+-]+@[\w-]+\.[\w.-]+", "<mail>", ["to A.b+c@Ex-ample.CO.np, now", "ν\u0345@x.y"]),
    (r"(?i)\w+", "w", ["a\u0345b ⓐ K"]),
    (r"(?i)[\wⓐ]", "w", ["Ⓐⓐⓑ\u0345"]),
    (r"(?i)i", "x", ["iIİı"]),
    (r"(?i)[a-z]+", "x", ["iIİı ſ K é", "AZ[`"]),
    (r"(?i)[^i]", "x", ["iIİıjJ"]),
    (r"(?i)k|s|ß|Σ|ΐ|ﬅ", "x", ["Kk\u212aſSsẞßςσΣΐ\u1fd3ﬅﬆ"]),
    (r"(?i:ab)c", "x", ["ABc ABC abc"]),
    (r"a(?-i:b)c", "x", ["abc aBc"]),
    (r"(?i)a(?-i:b)c", "x", ["AbC ABC"]),
    (r"(?m)^ab", "x", ["ab\nab\r\nab", "\nab"]),
    (r"(?m)ab$", "x", ["ab\nab\r\nab", "ab\n"]),
    (r"(?m)^>.*$", "", ["> quoted\ntext\n>\n> more"]),
    (r"^a", "x", ["aaa\na"]),
    (r"\Aa", "x", ["aaa\na"]),
    (r".", "x", ["a\nb\r\u2028😀"]),
    (r"(?s).", "x", ["a\nb😀"]),
    (r"(\w)a", r"\1", ["xa ya za aa"]),
    (r"(a)(b)?", r"[\1\2]", ["ab a b"]),
    (r"(a)|(b)", r"<\1|\2>", ["ab"]),
    (r"(?:(a)|b)+", r"<\1>", ["ab ba aab bbb"]),
    (r"(a+)(b+)?c", r"\2\1", ["aac aabbc"]),
    (r"(?P<year>\d{4})-(?P<month>\d\d)", r"\2/\1", ["2024-05 and २०२४-०५"]),
    (r"(!|\?){2,}", r"\1", ["what?! no!!! ok?"]),
    (r"a{2}", "x", ["aaaaa"]),
    (r"a{02}", "x", ["aaaaa a{02}"]),
    (r"a{2,}?", "x", ["aaaaa"]),
    (r"a{1,2}b", "x", ["aaab ab b"]),
    (r"a{", "x", ["a{ a{}"]),
    (r"a{b}", "x", ["a{b} ab"]),
    (r"a{1,b}", "x", ["a{1,b} a"]),
    (r"a|ab|abc", "x", ["abc"]),
    (r"abc|ab|a", "x", ["abcaba"]),
    (r"(a|ab)(c|bcd)(d*)", r"\1,\2,\3", ["abcd", "abcdd acd"]),
    (r"a.*?b|a", "x", ["aab a\nb"]),
    (r"x*y", "-", ["xxyzy"]),
    (r"[]a]", "x", ["]a["]),
    (r"[^]a]", "x", ["]a[b"]),
    (r"[a-]", "x", ["a-b"]),
    (r"[-a]", "x", ["a-b"]),
    (r"[a-c-e]", "x", ["abcde-"]),
    (r"[\]\-\\^]", "x", ["]-\\^a"]),
    (r"[a^]", "x", ["a^b"]),
    (r"[[a]", "x", ["[a]b"]),
    (r"[.*+?()|{}$]", "x", [".*+?()|{}$a"]),
    (r"[😀-😂]", "x", ["😀😁😂😃"]),
    (r"[ऀ-ॿ]+", "x", ["नेपाल abc ०१"]),
    (r"\x41\t\n\r\f\v\a", "x", ["A\t\n\r\f\x0b\x07"]),
    (r"[\x00-\x08\x7f-\x9f]", "", ["a\x01\x7f\x85\x9fb\xa0"]),
    (r"\.\*\é\_\/\-\ \"\'\<", "x", [".*é_/- \"'<"]),
    (r"'", "''", ["it's"]),
    (r"\\", r"\\\\", ["a\\b"]),
    (r"x", r"\\1$1&", ["x"]),
    (r"]}", "x", ["]}"]),
]


def ranges(codes):
    spans = []
    for code in codes:
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return spans


def matched(pattern):
    return ranges(code for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF and re.match(pattern, chr(code)))


def case_orbits():
    """Sets of characters that (?i) takes for each other."""
    cased = set()
    for code in range(sys.maxunicode + 1):
        if not 0xD800 <= code <= 0xDFFF:
            character = chr(code)
            forms = {character, character.lower(), character.upper(), character.title(), character.casefold()}
            if len(forms) > 1:
                cased.update("".join(forms))
    everything = "".join(sorted(cased))
    orbits = {"".join(re.findall("(?i)" + re.escape(character), everything)) for character in everything}
    return sorted(orbit for orbit in orbits if len(orbit) > 1)


def main():
    texts = HAND_MADE + [template.replace("{}", character) for template in TEMPLATES for character in WHITE + NOT_WHITE]
    golden = {
        "python": sys.version.split()[0],
        "unicode": unicodedata.unidata_version,
        "sets": {name: matched("\\" + name) for name in "sdw"},
        "orbits": case_orbits(),
        "texts": [[text, original(text)] for text in dict.fromkeys(texts)],
        "stripped": [[text, text.strip()] for text in dict.fromkeys(texts)],
        "cases": [
            [pattern, replacement, text, re.sub(pattern, replacement, text)] for pattern, replacement, texts in CASES for text in texts
        ],
    }
    lines = ",\n".join(f'"{key}": {json.dumps(value)}' for key, value in golden.items())
    Path(__file__).with_suffix(".golden.json").write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    print(len(golden["texts"]), "texts,", len(golden["cases"]), "cases,", len(golden["orbits"]), "orbits")


main()
