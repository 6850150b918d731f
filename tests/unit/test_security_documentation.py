"""The account of OWASP ASVS 5.0 is complete: every requirement of levels 1 and 2 has its answer."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web" / "src"
TABLE = (ROOT / "docs/security.md").read_text("utf-8").partition("## OWASP ASVS 5.0")[2]

# OWASP ASVS 5.0.0: by section, the numbers of its requirements of level 1, then of level 2.
REQUIREMENTS = """
1.1 - 1,2; 1.2 1,2,3,4,5 6,7,8,9; 1.3 1,2 3,4,5,6,7,8,9,10,11; 1.4 - 1,2,3; 1.5 1 2;
2.1 1 2,3; 2.2 1,2 3; 2.3 1 2,3,4; 2.4 - 1;
3.2 1,2 -; 3.3 1 2,3,4; 3.4 1,2 3,4,5,6; 3.5 1,2,3 4,5; 3.7 - 1,2;
4.1 1 2,3; 4.2 - 1; 4.3 - 1,2; 4.4 1 2,3,4;
5.1 - 1; 5.2 1,2 3; 5.3 1,2 -; 5.4 - 1,2,3;
6.1 1 2,3; 6.2 1,2,3,4,5,6,7,8 9,10,11,12; 6.3 1,2 3,4; 6.4 1,2 3,4; 6.5 - 1,2,3,4,5; 6.6 - 1,2,3;
6.8 - 1,2,3,4;
7.1 - 1,2,3; 7.2 1,2,3,4 -; 7.3 - 1,2; 7.4 1,2 3,4,5; 7.5 - 1,2; 7.6 - 1,2;
8.1 1 2; 8.2 1,2 3; 8.3 1 -; 8.4 - 1;
9.1 1,2,3 -; 9.2 1 2,3,4;
10.1 - 1,2; 10.2 - 1,2; 10.3 - 1,2,3,4; 10.4 1,2,3,4,5 6,7,8,9,10,11; 10.5 - 1,2,3,4,5; 10.6 - 1,2;
10.7 - 1,2,3;
11.1 - 1,2; 11.2 - 1,2,3; 11.3 1,2 3; 11.4 1 2,3,4; 11.5 - 1; 11.6 - 1;
12.1 1 2,3; 12.2 1,2 -; 12.3 - 1,2,3,4;
13.1 - 1; 13.2 - 1,2,3,4,5; 13.3 - 1,2; 13.4 1 2,3,4,5;
14.1 - 1,2; 14.2 1 2,3,4; 14.3 1 2,3;
15.1 1 2,3; 15.2 1 2,3; 15.3 1 2,3,4,5,6,7;
16.1 - 1; 16.2 - 1,2,3,4,5; 16.3 - 1,2,3,4; 16.4 - 1,2,3; 16.5 - 1,2,3;
17.1 - 1; 17.2 - 1,2,3,4; 17.3 - 1,2
"""


def wanted(level: int) -> list[str]:
    sections = [section.split() for section in REQUIREMENTS.replace("\n", " ").split(";")]
    return [
        f"V{section[0]}.{number}"
        for section in sections
        for number in section[level].split(",")
        if number != "-"
    ]


def rows() -> list[list[str]]:
    lines = [line for line in TABLE.splitlines() if line.startswith("| V")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_requirement_of_both_levels_is_answered_once():
    assert (len(wanted(1)), len(wanted(2))) == (70, 183)
    answered = [name for ids, *_ in rows() for name in re.split(r",\s*", ids)]
    assert sorted(answered) == sorted(wanted(1) + wanted(2))


def test_every_answer_says_how_and_names_tests_that_are_there():
    known = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    for ids, how, shown in rows():
        assert len(how) > 1, ids
        named = set(re.findall(r"test_\w+", shown))
        assert named or shown in ("", "by reading"), (ids, shown)
        assert named <= known, (ids, named - known)


def test_what_has_no_test_says_why():
    """Only what does not apply here, is the host's, or is shown by its absence."""
    for ids, how, shown in rows():
        assert shown or how.startswith(("not applicable", "host:")), (ids, how)


def test_what_is_not_met_is_said_to_be_open():
    assert sum("**open**" in how for _, how, _ in rows()) == 3


def sources_with(pattern: str) -> set[str]:
    """The web app's own sources in which the pattern occurs, tests apart."""
    return {
        str(path.relative_to(WEB))
        for path in WEB.rglob("*.ts*")
        if ".test." not in path.name and re.search(pattern, path.read_text("utf-8"))
    }


def test_the_web_app_writes_no_markup_runs_no_text_and_hears_no_other_window():
    dangerous = r"dangerouslySetInnerHTML|innerHTML|outerHTML|document\.write|\beval\(|new Function"
    assert sources_with(dangerous) == set()
    assert sources_with(r"postMessage|addEventListener\(.message") == set()
    assert sources_with(r"__proto__|Object\.assign\(\w+\.prototype") == set()


def test_the_browser_keeps_nothing_but_preferences():
    assert sources_with(r"localStorage|sessionStorage|indexedDB|document\.cookie") == {
        *("app/App.tsx", "lib/columnChoice.ts", "lib/rememberedClient.ts"),
    }


def test_passwords_are_typed_into_password_fields_that_take_a_paste():
    assert sources_with(r"PasswordInput") != set()
    assert sources_with(r"onPaste") == set()
    assert sources_with(r"autoComplete=.current-password") != set()


def test_no_code_of_ours_runs_text_or_unpickles():
    for package in ("domain", "activities", "workflows", "infra", "api"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text("utf-8")
            assert not re.search(r"(?<![\w.])(eval|exec)\(|import pickle|shell=True", text), path
