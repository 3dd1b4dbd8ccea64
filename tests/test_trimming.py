from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa.context import leans_on_previous
from qa.documents import Document
from qa.hits import Explanation, Hit
from qa.passages import Passage
from qa.reader import Reading, SentenceReading
from qa.trimming import trimmed

HEADING = "THE HARBOUR\n\n"
GOOD, BAD = 5.0, -9.0


def hit(
    sentences: list[str],
    scores: list[float] | None,
    *,
    heading: str = "",
    score: float = 0.8,
    before: str = "Not of this passage. ",
) -> Hit:
    text, spans = before + heading, []
    for sentence in sentences:
        spans.append((len(text), len(text) + len(sentence)))
        text += f"{sentence} \n"
    document = Document("a", text + "Nor is this.")
    start = len(before)
    passage = Passage(start, len(text), text[start:], tuple(spans))
    read = tuple(SentenceReading(score) for score in scores or ())
    reading = None if scores is None else Reading(1.0, 2.0, read)
    return Hit(1, score, passage, document, Explanation(score, 0, 0, 0), reading=reading)


def texts(found: Hit) -> list[str]:
    return [sentence.text for sentence in found.sentences()]


SENTENCES = st.sampled_from(
    [
        "The harbour closes.",
        "It closes on Monday.",
        "However, nobody knew.",
        "He said so.",
        "The council of Westport told the reporters that the repairs of the harbour wall, which "
        "had been put off for years, would begin in the first week of May and end in autumn.",
        "Über die Brücke führte kein Weg, schrieb Žižek 😀 in Łódź.",
        "Mayor Ann Duffy opened the bakery in Mill Lane.",
    ]
)


@st.composite
def hits(draw: st.DrawFn) -> list[Hit]:
    found = []
    for _ in range(draw(st.integers(1, 4))):
        scored = draw(st.lists(st.tuples(SENTENCES, st.floats(-30, 30)), max_size=7))
        found.append(
            hit(
                [sentence for sentence, _ in scored],
                draw(st.sampled_from([[score for _, score in scored], None])),
                heading=draw(st.sampled_from(["", HEADING])),
                score=draw(st.floats(0, 1)),
            )
        )
    return found


@given(hits())
def test_what_is_shown_is_a_run_of_whole_sentences_word_for_word(found: list[Hit]) -> None:
    for whole, shown in zip(found, trimmed(found), strict=True):
        passage = shown.passage
        assert passage.text == shown.document.text[passage.start : passage.end]
        assert whole.passage.start <= passage.start <= passage.end <= whole.passage.end
        spans = whole.passage.sentences
        first = spans.index(passage.sentences[0]) if passage.sentences else 0
        assert passage.sentences == spans[first : first + len(passage.sentences)]
        for start, end in passage.sentences:
            assert passage.start <= start < end <= passage.end
        assert bool(passage.sentences) == bool(spans)


@given(hits())
def test_readings_stay_with_their_sentences_and_all_else_stays_as_it_was(found: list[Hit]) -> None:
    for whole, shown in zip(found, trimmed(found), strict=True):
        assert (shown.rank, shown.score, shown.document) == (
            whole.rank,
            whole.score,
            whole.document,
        )
        assert (shown.reading is None) == (whole.reading is None)
        if not whole.reading or not shown.reading:
            assert shown == whole
            continue
        assert (shown.reading.relevance, shown.reading.says) == (1.0, 2.0)
        read = dict(zip(whole.passage.sentences, whole.reading.sentences, strict=True))
        assert shown.reading.sentences == tuple(read[span] for span in shown.passage.sentences)


@given(hits())
def test_the_best_sentence_of_every_hit_is_shown(found: list[Hit]) -> None:
    for whole, shown in zip(found, trimmed(found), strict=True):
        if whole.reading and whole.reading.sentences:
            assert shown.reading
            best = max(read.score for read in whole.reading.sentences)
            assert max(read.score for read in shown.reading.sentences) == best


@given(hits())
def test_what_opens_a_passage_does_not_lean_on_what_is_not_shown(found: list[Hit]) -> None:
    for whole, shown in zip(found, trimmed(found), strict=True):
        if shown.passage.sentences and shown.passage.sentences[0] != whole.passage.sentences[0]:
            assert not leans_on_previous(texts(shown)[0])


def test_what_is_beside_the_point_is_not_shown() -> None:
    sentences = ["Bread is dear.", "The harbour closes.", "The repairs take weeks.", "Rain fell."]
    (shown,) = trimmed([hit(sentences, [BAD, GOOD, GOOD, BAD], heading=HEADING)])
    assert texts(shown) == sentences[1:3]
    assert shown.passage.text == f"{sentences[1]} \n{sentences[2]}"


def test_a_passage_that_is_all_to_the_point_is_shown_to_its_last_character() -> None:
    whole = hit(["The harbour closes.", "The repairs take weeks."], [GOOD, GOOD], heading=HEADING)
    assert trimmed([whole]) == [whole]


def test_a_heading_is_shown_with_the_sentence_that_it_stands_over_and_not_without() -> None:
    sentences = ["The harbour closes.", "Rain fell on the hills all day and all night."]
    (first,) = trimmed([hit(sentences, [GOOD, BAD], heading=HEADING)])
    assert first.passage.text == HEADING + sentences[0]
    (second,) = trimmed([hit(sentences, [BAD, GOOD], heading=HEADING)])
    assert second.passage.text.startswith(sentences[1])


def test_a_short_gap_between_two_good_sentences_is_shown_with_them() -> None:
    sentences = ["The harbour of Westport closes.", "Rain fell.", "The repairs take weeks."]
    (shown,) = trimmed([hit(sentences, [GOOD, BAD, GOOD])])
    assert texts(shown) == sentences


def test_a_sentence_that_leans_on_the_one_before_brings_it_along() -> None:
    sentences = ["Rain fell.", "Ann Duffy is mayor.", "She closed the harbour."]
    (shown,) = trimmed([hit(sentences, [BAD, BAD, GOOD])])
    assert texts(shown) == sentences[1:]


def test_the_best_sentence_is_shown_even_far_from_a_longer_good_one() -> None:
    long = "The council of Westport told the reporters all about the wall, stone by stone. " * 20
    sentences = ["Yes.", long.strip(), "The harbour of Westport closes on Monday for repairs."]
    (shown, _) = trimmed([hit(sentences, [GOOD, BAD, GOOD - 2]), hit(["No."], [GOOD])])
    assert texts(shown)[0] == "Yes."


def test_less_is_shown_of_a_lesser_hit() -> None:
    sentences = ["The harbour closes.", "The repairs take weeks."]
    scores = [3.0, -2.5]  # the second is worth 1 / 13 of the first
    best, least = trimmed([hit(sentences, scores), hit(sentences, scores, score=0.1)])
    assert (len(best.passage.sentences), len(least.passage.sentences)) == (2, 1)


def test_what_was_not_read_stays_whole() -> None:
    unread = hit(["The harbour closes.", "Rain fell."], None)
    headings = hit([], [], heading=HEADING)
    assert trimmed([unread, headings, hit(["Rain."], [BAD])])[:2] == [unread, headings]
    assert trimmed([unread]) == [unread]
    assert trimmed([]) == []


def test_a_question_that_quotes_is_shown_whole_passages() -> None:
    whole = hit(["Rain fell on Homs.", "Kerry said yes to the truce."], [BAD, GOOD])
    assert trimmed([whole], "Who said “yes”?") == [whole]
    assert trimmed([whole], "Who said yes?") != [whole]
