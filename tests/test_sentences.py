"""Where one sentence ends and the next begins.

The hard cases are a table: one sentence a string, joined by a space, found again as they were.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import documents, lines
from qa.sentences import sentence_spans

SEEDS = Path(__file__).parent.parent / "seeds"
WARREN = (
    "U.S. Army Col. Steve Warren, the Baghdad spokesman for the U.S.-led coalition against IS, "
    "called the Russian claim “a fabrication” and said the incident was an example of Russia’s "
    "“indiscriminate” use of force."
)
CASES = {
    "ranks and countries": [WARREN, "He spoke on Friday."],
    "initials": ["J. R. R. Tolkien wrote it.", "C.S. Lewis and George W. Bush read it."],
    "a country at the end": ["He was born in the U.S.", "The family moved."],
    "a country's senate": ["The U.S. Senate voted.", "The U.N. Security Council did too."],
    "an hour at the end": ["It left at 5 p.m.", "The train was late."],
    "an hour in the middle": ["It left at 5 p.m. and was late.", "Nobody came."],
    "an hour and its day": ["It met at 3 p.m. Monday in Geneva.", "It was short."],
    "an hour and its zone": ["It met at 3 p.m. EST on air.", "It was short."],
    "numbers": ["He lives at No. 5 Downing Street.", "She does not."],
    "a company": ["Apple Inc. said it grew.", "Acme Corp. did not."],
    "a company at the end": ["He works for Acme Ltd.", "They met."],
    "authors": ["Smith et al. found that it works.", "Others did not."],
    "decimals": ["It rose 3.5 percent to $2.75.", "Then it fell."],
    "an ellipsis inside": ["He waited ... and waited.", "Then he left."],
    "an ellipsis at the end": ["He waited...", "Then he left."],
    "an ellipsis inside a quotation": ["It must hold “Russia … to a halt”.", "It did."],
    "a quotation without end": ["He said “I am going.", "Nobody listened."],
    "a quotation without beginning": ["A disaster in the making.”", "Meanwhile he left."],
    "several sentences in quotation marks": ["“I go. You stay. Good-bye.”", "He left."],
    "a quotation and who said it": ["“It is near,” he said.", "“It could be signed.”"],
    "the mark behind the full stop": ["He called it “a lie.”", "Then he left."],
    "the mark before the full stop": ["He called it “a lie”.", "Then he left."],
    "straight marks": ['He called it "a lie."', "Then he left."],
    "single marks": ["He called it ‘a lie.’", "Then he left."],
    "a quotation in a quotation": ["“It’s ‘over.’”", "They agreed."],
    "two quotations": ["“Stop!”", "“Why?”", "“Because.”"],
    "a question that is reported": ["“Is it over?” he asked.", "“No!” she said."],
    "brackets at the end": ["He left (it was over).", "She stayed."],
    "a sentence in brackets": ["He left.", "(It was over.)", "She stayed."],
    "an editor's brackets": ["The anti-ISIS [Daesh] side flew.", "It landed."],
    "a source in brackets": ["It was so.[12]", "It is not.[citation needed]", "It may be."],
    "a news agency": ["BEIRUT (AP) — The army moved north.", "It stopped."],
    "politicians": ["Sen. John McCain spoke.", "Gov. Jerry Brown did not.", "Rep. Bo ran."],
    "generals": ["Lt. Gen. Sean MacFarland met Maj. Gen. Smith.", "They agreed."],
    "months": ["On Feb. 12 they met.", "On Jan. 3, 2016, they did not."],
    "a year at the end": ["It happened in 1990.", "71% of them left."],
    "doctors": ["Dr. Smith met Mr. and Mrs. Jones.", "They ate."],
    "towns": ["St. Petersburg is big.", "He died in Washington, D.C.", "She lived."],
    "degrees": ["The Ph.D. student, e.g. Anna, earned a B.A. in 1990.", "She left."],
    "a name with a mark": ["Yahoo! Inc. was sold.", "It fell."],
    "a list on one line": ["1. The first is short.", "2. The second is not."],
    "emoji": ["It is done 😀.", "A 👨‍👩‍👧 came!", "Good."],
    "French": ["«Nous partons.»", "M. Hollande est venu.", "Il est reparti."],
    "German": ["„Wir gehen.“", "Er ging z.B. nach Hause.", "Dort blieb er."],
    "Russian": ["Он пришёл.", "Она ушла."],
    "Arabic": ["جاء.", "ذهبت؟", "نعم."],
}
BEYOND = {
    "a one-character ellipsis may end a sentence or not: kept whole": ["He waited…", "He left."],
    "abbreviations that sentencex does not know": ["It takes approx. 4 kg.", "It is fast."],
    "German ordinals, as all text is read as English": ["Er kam am 3. März.", "Er ging."],
    "an abbreviation before a number": ["See Eq. 4 for that.", "It is long."],
}
SEED_SENTENCES = {
    "000_e833d2b9ff24ed80.txt": 14,
    "001_297b44c24d4f81b1.txt": 16,
    "002_e294a4666c13ffc9.txt": 21,
    "003_62989a399c13c402.txt": 26,
    "004_f88939bbbeb213e0.txt": 26,
}


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text, 0, len(text))]


def prose_sentences(name: str) -> list[str]:
    document = documents.read(SEEDS / name, id=name)
    return [
        document.text[start:end]
        for block in lines.blocks(document.text, title=document.title)
        if block.kind is lines.Kind.PROSE
        for start, end in sentence_spans(document.text, block.start, block.end)
    ]


@pytest.mark.parametrize("case", CASES)
def test_hard_cases_are_divided_as_a_reader_would(case: str) -> None:
    assert sentences(" ".join(CASES[case])) == CASES[case]


@pytest.mark.parametrize("case", BEYOND)
@pytest.mark.xfail(strict=True, reason="limits of rules: named by the case")
def test_these_cases_are_beyond_the_rules(case: str) -> None:
    assert sentences(" ".join(BEYOND[case])) == BEYOND[case]


def test_languages_without_spaces_are_divided_at_their_full_stops() -> None:
    assert sentences("彼は来た。彼女は去った。") == ["彼は来た。", "彼女は去った。"]
    assert sentences("他来了。她走了！“真的吗？”他问。")[:3] == [
        "他来了。",
        "她走了！",
        "“真的吗？”",
    ]


def test_a_line_end_inside_a_sentence_is_no_end_of_it() -> None:
    text = "He came to\r\nthe house in the U.S.\nArmy truck. She\nleft."
    assert sentences(text) == ["He came to\r\nthe house in the U.S.\nArmy truck.", "She\nleft."]


def test_only_the_stretch_asked_for_is_divided_and_offsets_are_of_the_whole_text() -> None:
    text = "Skip this. He left. She stayed. Skip that."
    spans = sentence_spans(text, 11, 31)
    assert [text[start:end] for start, end in spans] == ["He left.", "She stayed."]
    assert spans[0] == (11, 19)


def test_a_paragraph_of_any_length_is_divided_alike() -> None:
    once = ["He is near.", "“It could be signed,” he said.", "Then he left the U.S. Army."]
    assert sentences(" ".join(once * 2000)) == once * 2000


@pytest.mark.parametrize("text", ["", " \n\t ", "\u3000"])
def test_white_space_has_no_sentences(text: str) -> None:
    assert sentences(text) == []


@pytest.mark.parametrize(("name", "count"), SEED_SENTENCES.items())
def test_the_seeds_have_the_sentences_counted_by_eye(name: str, count: int) -> None:
    assert len(prose_sentences(name)) == count


@pytest.mark.parametrize("name", SEED_SENTENCES)
def test_every_seed_sentence_begins_and_ends_as_one(name: str) -> None:
    # Read by eye: in these articles each begins with a capital and ends with its punctuation.
    for sentence in prose_sentences(name):
        assert sentence.lstrip("“")[0].isupper(), sentence
        assert sentence.endswith((".", ".”", "”.")), sentence
        assert sentence.count("“") == sentence.count("”"), sentence


def test_the_colonels_sentence_is_one() -> None:
    assert WARREN in prose_sentences("002_e294a4666c13ffc9.txt")


@given(st.text(st.sampled_from("aB. !?”“’'\"()[]\n\r1…。é😀"), max_size=80))
def test_no_character_is_lost_and_none_is_in_two_sentences(text: str) -> None:
    spans = sentence_spans(text, 0, len(text))
    position = 0
    for start, end in spans:
        assert text[position:start].strip() == ""
        assert text[start:end] == text[start:end].strip() != ""
        position = end
    assert text[position:].strip() == ""
