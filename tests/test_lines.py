import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.lines import Block, Kind, blocks, title_of

SEEDS = Path(__file__).parent.parent / "seeds"

FIRST = (
    "Regime forces backed by air strikes pushed an offensive in the centre of the country on "
    "Thursday as the president slammed his allies."
)
SECOND = (
    "Warplanes launched at least 15 strikes to support government troops as they began a new "
    "operation north of the city."
)
THIRD = "“The operation will continue until it reaches its goal,” a source said. It could be long."
FOURTH = "More than 245,000 people have been killed since March 2011, and many more have fled."
PROSE = (FIRST, SECOND, THIRD, FOURTH)


def kinds(text: str, format: str = "text", title: str = "") -> dict[str, Kind]:
    found = blocks(text, format=format, title=title)  # type: ignore[arg-type]
    return {text[block.start : block.end]: block.kind for block in found}


def of_kind(text: str, kind: Kind, format: str = "text") -> list[str]:
    found = blocks(text, format=format)  # type: ignore[arg-type]
    return [text[block.start : block.end] for block in found if block.kind is kind]


# --- the seeds -----------------------------------------------------------------------------------

ODD_LINES = {
    "000": {Kind.TITLE: ["Russia pledges more Syria raids, opposition sets truce terms"]},
    "001": {Kind.TITLE: ["Kremlin says concerned by Turkey shelling Syrian territory"]},
    "002": {
        Kind.TITLE: ["Russia blames US for bombings in Syrian Aleppo"],
        Kind.FURNITURE: [
            "Share",
            "Advertisement",
            "Advertisement",
            "Kerry wants 'all or nothing' truce at Syria talks",
        ],
    },
    "003": {
        Kind.TITLE: ["Syria regime in new offensive as Putin blasts US"],
        Kind.HEADING: ["– EU talks on refugees –"],
        Kind.FURNITURE: ["Please enter your comment!", "Please enter your name here"],
    },
    "004": {
        Kind.TITLE: ["Russia Says Syria Bombing to Continue Amid U.S. Truce Talks"],
        Kind.HEADING: ["Looming Disaster", "Territorial Ambition"],
        Kind.FURNITURE: [
            "Updated on",
            "• Syria government offensive routs rebels, closes on Aleppo",
            "• Russia's UN envoy says Syria must follow Kremlin leadership",
        ],
    },
}


@pytest.mark.parametrize("number", ODD_LINES)
def test_every_odd_line_of_a_seed_has_its_kind_and_all_others_are_prose(number: str) -> None:
    text = next(SEEDS.glob(f"{number}_*.txt")).read_text(encoding="utf-8")
    odd = ODD_LINES[number]
    for kind in (Kind.TITLE, Kind.HEADING, Kind.FURNITURE):
        assert of_kind(text, kind) == odd.get(kind, [])
    others = [line.strip() for line in text.splitlines() if line.strip()]
    for line in [line for lines in odd.values() for line in lines]:
        others.remove(line)
    assert of_kind(text, Kind.PROSE) == others


# --- pages in the style of several sites ---------------------------------------------------------

BROADCASTER = f"""Home
News
Sport
Weather
Syria conflict: Aleppo offensive threatens truce talks
12 February 2016
From the section Middle East
Share this with Facebook
Share this with Twitter
Image copyright AFP
Image caption Rebels say they have lost ground in the north
{FIRST}
{SECOND}
Media playback is unsupported on your device
What is a cessation of hostilities?
{THIRD}
Analysis by Jeremy Example, Middle East editor
{FOURTH}
Related Topics
Syria
Syrian civil war
More on this story
Syria war: The daily struggle to get an education
11 February 2016
Top Stories
Allies urge an end to the bombing of moderates"""

NEWSPAPER = f"""World news
Syria: president blasts allies over refusal to cooperate

@jane_example

Thu 15 Oct 2015 18.40 BST
Last modified on Tue 28 Nov 2017 06.15 GMT

Shares
1,024
Comments 312

{FIRST}

{SECOND}

Advertisement

Read more: Strikes kill dozens in Homs, say activists

{THIRD}

Sign up to the First Edition newsletter – our free daily email

{FOURTH}

Topics
Syria
Russia
news
Reuse this content
Most viewed"""

AGENCY = f"""World News
February 12, 2016 / 6:14 AM / 3 years ago
President keeps bombing despite truce deal
7 Min Read
BEIRUT (Agency) - {FIRST}
{SECOND}
Slideshow (10 Images)
PRESIDENT DEFIANT
{THIRD}
{FOURTH}
Additional reporting by Ann Example in Beirut; Writing by Bob Example; Editing by C. Example
All rights reserved."""

AMERICAN = f"""Middle East
President Says Bombing Will Continue

By ANNE EXAMPLE and ANDREW E. SAMPLE FEB. 12, 2016

Continue reading the main story
Share This Page

BEIRUT, Lebanon — {FIRST}

{SECOND}

{THIRD}

{FOURTH}

A version of this article appears in print on February 13, 2016, on Page A1 of the edition."""

FRENCH = """International
Syrie : les Kurdes progressent près de la frontière turque

Par Benjamin Exemple

Publié le 12 février 2016 à 10h30 - Mis à jour le 13 février 2016 à 11h00

Partager sur Facebook

Les forces kurdes ont pris mercredi une base aérienne aux rebelles, après des jours de combats.

La Turquie a bombardé leurs positions samedi, et a demandé à ses alliés de soutenir l'opération.

Lire aussi : En Syrie, l'étau se resserre sur Alep

« Nous ne permettrons pas la chute de la ville », a déclaré le premier ministre turc."""

GERMAN = """Politik
Krieg in Syrien: Kurden erobern Luftwaffenstützpunkt

12.02.2016, 10.32 Uhr

Von Christoph Beispiel

Foto: Beispiel/ AFP

Teilen
Drucken
Die kurdischen Kämpfer haben am Mittwoch einen Stützpunkt im Norden des Landes erobert.

Die Türkei hat ihre Stellungen am Samstag beschossen und verlangt Hilfe von Verbündeten.

Mehr zum Thema

Syrien: Merkel fordert Flugverbotszone

„Wir werden den Fall der Stadt nicht zulassen“, sagte der Ministerpräsident zu Journalisten."""

BLOG = """Skip to content
My Travel Blog
Menu
Home
About
Contact
Ten days in Georgia
Posted on March 3, 2016 by anna
We arrived on a cold morning and the bakery on the corner was already open, so we had bread.
The old town is best on foot. Bring good shoes, because the stones are slippery after rain.
Where to eat
The restaurant by the river serves the best dumplings that I have had anywhere, and is cheap.
Share this:
Click to share on Twitter (Opens in new window)
Like Loading...
Related
Posted in Travel | Tagged Georgia, food
2 thoughts on “Ten days in Georgia”
Leave a Reply
Your email address will not be published. Required fields are marked *
Comment
Name *
Email *
Website
Save my name, email, and website in this browser for the next time I comment.
Proudly powered by WordPress"""


@pytest.mark.parametrize(
    ("page", "headline", "headings"),
    [
        (
            BROADCASTER,
            "Syria conflict: Aleppo offensive threatens truce talks",
            ["What is a cessation of hostilities?"],
        ),
        (NEWSPAPER, "Syria: president blasts allies over refusal to cooperate", []),
        (AGENCY, "President keeps bombing despite truce deal", ["PRESIDENT DEFIANT"]),
        (AMERICAN, "President Says Bombing Will Continue", []),
        (FRENCH, "Syrie : les Kurdes progressent près de la frontière turque", []),
        (GERMAN, "Krieg in Syrien: Kurden erobern Luftwaffenstützpunkt", []),
        (BLOG, "Ten days in Georgia", ["Where to eat"]),
    ],
    ids=["broadcaster", "newspaper", "agency", "american", "french", "german", "blog"],
)
def test_of_a_page_copied_from_the_web_only_its_sentences_are_prose(
    page: str, headline: str, headings: list[str]
) -> None:
    template = ("A version", "Your email", "Additional", "Save my", "All rights", "Like Loading")
    sentences = [
        line
        for line in page.splitlines()
        if line.endswith((".", ".”")) and not line.startswith(template)
    ]
    assert of_kind(page, Kind.TITLE) == [headline]
    assert of_kind(page, Kind.HEADING) == headings
    assert of_kind(page, Kind.PROSE) == sentences


FURNITURE = [
    "Share",
    "SHARE THIS ARTICLE",
    "Facebook Twitter LinkedIn E-mail Print",
    "Share 12 Tweet 5",
    "1,234 shares",
    "Advertisement",
    "- Advertisement -",
    "ANZEIGE",
    "Story continues below advertisement",
    "Please enter your comment!",
    "Please enter your name here",
    "Leave a comment",
    "Updated on",
    "Last updated:",
    "Read more",
    "Read more: Strikes kill dozens, say activists",
    "Related: What the truce means",
    "Follow us on Twitter",
    "Sign up for our newsletter",
    "Get the best of our reporting in your inbox every morning.",
    "We use cookies to give you the best experience on our website.",
    "By continuing to use this site you agree to our use of cookies.",
    "© 2016 Example News",
    "Copyright 2016 Example Press. All rights reserved.",
    "Published 3 March 2016",
    "Updated on February 13, 2016, 4:00 PM EST",
    "By JOHN SMITH",
    "By John Smith and Jane Doe, Example News",
    "Photo: Reuters",
    "(AP Photo/John Smith)",
    "https://example.org/2016/02/12/story.html",
]


@pytest.mark.parametrize("line", FURNITURE)
def test_a_line_that_only_a_web_page_says_is_furniture(line: str) -> None:
    text = "\n\n".join(["A headline of several words", line, *PROSE])
    assert kinds(text)[line] is Kind.FURNITURE
    assert kinds(text)["A headline of several words"] is Kind.TITLE


SENTENCES = [
    "Please enter the building by the north door.",
    "Share prices fell 3 percent.",
    "Advertisement revenue doubled last year.",
    "Comments on the plan were mixed.",
    "Twitter was fined by the regulator.",
    "Cookies are baked for ten minutes.",
    "Copyright law is complicated.",
    "Read more books and watch less television.",
    "See also the appendix for the method.",
    "Related species live in the Andes.",
    "Follow the road on the left bank.",
    "Sign up for classes by Friday.",
    "By Friday all had left the town.",
    "Published studies disagree about this.",
    "Updated figures will come in May.",
    "Photo editors chose the picture.",
    "Subscribe is a verb of Latin origin.",
    "Menu prices rose by a tenth.",
    "Print is not dead.",
]


@pytest.mark.parametrize("line", SENTENCES)
def test_a_sentence_that_merely_mentions_such_things_is_prose(line: str) -> None:
    text = "\n\n".join(["A headline of several words", FIRST, line, *PROSE[1:]])
    assert kinds(text)[line] is Kind.PROSE


def test_lines_without_a_full_stop_after_the_last_paragraph_lead_to_other_stories() -> None:
    links = ["Strikes kill dozens in Homs, say activists", "What the truce means for Turkey now"]
    text = "\n".join(["A headline of several words", *PROSE, *links])
    assert of_kind(text, Kind.FURNITURE) == links


def test_a_long_line_without_a_full_stop_between_paragraphs_leads_to_another_story() -> None:
    link = "Strikes on the northern road kill dozens of people in Homs, say activists"
    text = "\n\n".join(["A headline of several words", FIRST, SECOND, link, THIRD, FOURTH])
    assert kinds(text)[link] is Kind.FURNITURE


# --- what people bring ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Call the dentist\nbuy milk\nAnna's birthday on 3 May\ncar to the garage",
        "Call the dentist\n\nBuy milk\n\nAnna's birthday on 3 May",
        "Li Hua: see you at 8\nAnna: ok\nLi Hua: bring the book\nAnna: which one",
        "name,city,year\nAnna,Bonn,1999\nBob,Rome,2001\nCleo,Paris,2011",
        "- roof to be mended in May\n- Anna calls the plumber\n- budget 4,000",
        "Two ways went on into the wood\nAnd I could take but one of them\nI stood there long",
        "Cerebral white matter changes early. We measured it in 17 infants. It rose by 1.8.",
        "The cat sat on the mat",
        "https://example.org/a\nhttps://example.org/b",
        "def x():\n    return {\n        1: 2\n    }",
    ],
    ids=[
        "notes",
        "spaced-notes",
        "chat",
        "csv",
        "bullets",
        "poem",
        "abstract",
        "phrase",
        "addresses",
        "code",
    ],
)
def test_what_is_not_an_article_is_prose_to_the_last_line(text: str) -> None:
    assert {block.kind for block in blocks(text)} == {Kind.PROSE}


def test_a_chat_with_long_messages_keeps_the_short_ones() -> None:
    lines = [f"Anna: {FIRST}", f"Li Hua: {SECOND}", f"Anna: {FOURTH}", "Li Hua: see you at 8"]
    assert of_kind("\n".join(lines), Kind.PROSE) == lines


def test_the_names_and_addresses_that_close_a_letter_are_prose() -> None:
    end = ["Yours,", "Bob Smith", "12 Long Street in Bonn"]
    text = "\n\n".join(["Dear Anna,", *PROSE, *end])
    assert of_kind(text, Kind.PROSE) == ["Dear Anna,", *PROSE, *end]


def test_lines_that_a_colon_announces_are_prose() -> None:
    listed = ["Hayward Hall of Justice in Amador Street", "Open from nine to five on weekdays"]
    text = "\n\n".join([*PROSE, "Visit us at:", *listed])
    assert of_kind(text, Kind.PROSE) == [*PROSE, "Visit us at:", *listed]


def test_a_line_that_goes_on_after_a_formula_is_prose() -> None:
    broken = "Since the concentration is low we replaced the third equation by a simple relation"
    after = "where k is the constant of the reaction, which was measured in an earlier experiment."
    text = "\n\n".join([*PROSE, broken, after, FIRST])
    assert kinds(text)[broken] is Kind.PROSE


@pytest.mark.parametrize(
    "line",
    [
        "Get legal help from the court before you sign anything that the other side sends",
        "Table 1. Components that come with the package and what each of them is for",
        "The form is short. Learn more about the form and the fee on another page",
    ],
)
def test_a_statement_to_the_reader_or_a_caption_between_paragraphs_is_prose(line: str) -> None:
    text = "\n\n".join(["A headline of several words", FIRST, SECOND, line, THIRD, FOURTH])
    assert kinds(text)[line] is Kind.PROSE


def test_the_captions_and_references_of_a_long_report_are_prose() -> None:
    caption = "Effects of synthesis rates on the concentrations of two proteins in the first hour"
    body = "\n\n".join(PROSE * 100)
    text = f"{body}\n\n{caption}\n\n{body}\n\n{caption} again"
    assert caption in of_kind(text, Kind.PROSE)
    assert f"{caption} again" in of_kind(text, Kind.PROSE)


def test_a_document_of_nothing_but_boilerplate_is_furniture() -> None:
    assert of_kind("Share\nAdvertisement\nPlease enter your comment!", Kind.PROSE) == []


def test_any_other_words_beside_boilerplate_are_prose() -> None:
    assert of_kind("Share\nMilk and eggs\nAdvertisement", Kind.PROSE) == ["Milk and eggs"]


def test_the_byline_and_the_date_under_a_headline_are_furniture_in_a_short_notice_too() -> None:
    text = f"The north falls\nBy Jane Doe\n12 February 2016\n\n{FIRST}"
    assert of_kind(text, Kind.FURNITURE) == ["By Jane Doe", "12 February 2016"]


def test_the_days_of_a_diary_are_headings_and_not_lost() -> None:
    text = "2016-02-12\nTo the sea.\n2016-02-13\nRain all day.\n2016-02-14\nDrove home."
    assert of_kind(text, Kind.HEADING) == ["2016-02-12", "2016-02-13", "2016-02-14"]
    assert of_kind(text, Kind.PROSE) == ["To the sea.", "Rain all day.", "Drove home."]


def test_questions_on_lines_of_their_own_are_headings_of_their_answers() -> None:
    questions = ["Can I bring food into the gym?", "When do you open?"]
    answers = [
        "No. Food is not permitted on the gym floor, but drinks with a cap are.",
        "We open at nine in the morning on weekdays, and at ten at weekends.",
    ]
    text = "\n\n".join([questions[0], answers[0], questions[1], answers[1], FIRST])
    assert of_kind(text, Kind.HEADING) == questions
    assert of_kind(text, Kind.PROSE) == [*answers, FIRST]


# --- paragraphs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [60, 72, 100])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_paragraph_wrapped_by_hand_is_one_block(columns: int, end: str) -> None:
    wrapped = [textwrap.fill(f"{text} {text}", columns) for text in PROSE]
    text = "\n\n".join(wrapped).replace("\n", end)
    assert of_kind(text, Kind.PROSE) == [paragraph.replace("\n", end) for paragraph in wrapped]


def test_the_lines_of_a_pdf_are_joined_and_its_headings_stand_apart() -> None:
    body = textwrap.fill(f"{FIRST} {SECOND} {THIRD}", 90)
    text = f"{body}\nMethods\n{body}\nResults\n{body}"
    assert of_kind(text, Kind.HEADING) == ["Methods", "Results"]
    assert of_kind(text, Kind.PROSE) == [body, body, body]


def test_a_text_with_a_paragraph_a_line_has_a_block_a_line() -> None:
    assert of_kind("\n".join(PROSE), Kind.PROSE) == list(PROSE)


# --- titles --------------------------------------------------------------------------------------


def test_a_document_that_begins_with_a_paragraph_has_no_title() -> None:
    assert title_of("\n\n".join(PROSE)) == ""


def test_a_headline_over_a_single_paragraph_is_its_title() -> None:
    assert title_of(f"The north falls\n\n{FIRST}") == "The north falls"


def test_a_headline_may_end_with_an_abbreviation_or_a_question_mark() -> None:
    for headline in ("Ministers rebuke the U.S.", "Is the truce dead?"):
        assert title_of("\n\n".join([headline, *PROSE])) == headline


def test_a_title_that_is_known_is_the_line_equal_to_it_but_for_case_and_space() -> None:
    text = "\n\n".join(["Live from the capital", "The  North Falls", *PROSE])
    assert kinds(text, title="The north falls")["The  North Falls"] is Kind.TITLE


def test_the_title_of_markdown_is_its_first_heading_without_the_marks() -> None:
    assert title_of("Some words\n\n# The *big* `tool` #\n\nIt runs.", format="markdown") == (
        "The big tool"
    )
    assert title_of("The tool\n========\n\nIt runs.", format="markdown") == "The tool"


def test_a_later_section_is_not_the_title_of_markdown() -> None:
    text = f"{FIRST}\n\n## Installation\n\nRun it."
    assert title_of(text, format="markdown") == ""


# --- Markdown ------------------------------------------------------------------------------------

README = """---
title: Tool
date: 2016-02-12
---

# Tool

[![Build](https://example.org/badge.svg)](https://example.org)
<img src="logo.png">
<!-- a remark -->

Tool finds things
in files. It is fast.

## Installation

- needs Python
  and a compiler
- nothing else

```sh
# not a heading
pip install tool

tool run
```

| option | what |
|--------|------|
| -k     | how many |

> Quoted words

[1]: https://example.org

---
"""


def test_the_parts_of_a_readme() -> None:
    assert of_kind(README, Kind.TITLE, "markdown") == ["# Tool"]
    assert of_kind(README, Kind.HEADING, "markdown") == ["## Installation"]
    assert of_kind(README, Kind.PROSE, "markdown") == [
        "Tool finds things\nin files. It is fast.",
        "- needs Python\n  and a compiler",
        "- nothing else",
        "```sh\n# not a heading\npip install tool\n\ntool run\n```",
        "| option | what |\n|--------|------|",
        "| -k     | how many |",
        "> Quoted words",
    ]


def test_front_matter_is_furniture_and_a_rule_at_the_top_is_not_front_matter() -> None:
    assert of_kind(README, Kind.FURNITURE, "markdown")[0].startswith("---\ntitle: Tool")
    assert "Words" in of_kind("---\n\nWords\n\n---\n", Kind.PROSE, "markdown")


# --- invariants ----------------------------------------------------------------------------------

PIECES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["| a | b |", *PROSE]),
    st.sampled_from(["\n", "\r\n", "\n\n", " ", "\f", "\u2028"]),
    st.sampled_from(["# x", "```", "---", "- ", "===", "<!--", "-->", "x: y", "By John Smith"]),
    st.sampled_from(["Share", "Related stories", "12 May 2016", "Kerry wants more now today"]),
)
TEXTS = st.lists(PIECES, max_size=25).map("".join)
FORMATS = st.sampled_from(["text", "markdown"])


@given(TEXTS, FORMATS)
def test_every_character_that_is_not_white_space_is_in_exactly_one_block(
    text: str, format: str
) -> None:
    at = 0
    for block in blocks(text, format=format):  # type: ignore[arg-type]
        inside = text[block.start : block.end]
        assert inside == inside.strip() != ""
        assert at <= block.start
        assert not text[at : block.start].strip()
        at = block.end
    assert not text[at:].strip()


@given(TEXTS, FORMATS)
def test_at_most_one_block_is_the_title(text: str, format: str) -> None:
    found: tuple[Block, ...] = blocks(text, format=format)  # type: ignore[arg-type]
    assert sum(block.kind is Kind.TITLE for block in found) <= 1


@given(st.lists(st.sampled_from(PROSE), min_size=1, max_size=12), st.sampled_from(["\n", "\n\n"]))
def test_no_punctuated_paragraph_is_ever_lost(paragraphs: list[str], gap: str) -> None:
    assert of_kind(gap.join(paragraphs), Kind.PROSE) == paragraphs


@given(st.from_regex(r"[A-Za-z]{2,8}( [a-z]{2,8}){0,6}", fullmatch=True))
def test_a_single_line_that_is_not_boilerplate_is_prose(line: str) -> None:
    from qa.lines.boilerplate import furniture

    expected = Kind.FURNITURE if furniture(line) == "certain" else Kind.PROSE
    assert kinds(line) == {line: expected}


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("# `gradio_client`: an app as an API", "gradio_client: an app as an API"),
        ("# The *whole* story of __init__", "The whole story of init"),
        ("# snake_case and 2*3", "snake_case and 2*3"),
        ("# **Bold** `code`", "Bold code"),
    ],
)
def test_a_title_loses_its_markup_and_no_character_of_a_name(line: str, title: str) -> None:
    assert title_of(f"{line}\n\nSome text stands below it.\n", format="markdown") == title
