"""An exported model: what is kept of it on disk, and running it on onnxruntime."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import tokenizers
from tokenizers.pre_tokenizers import BertPreTokenizer

from qa import prepared

Vectors = npt.NDArray[np.float32]

_SENTENCE = "The talks were suspended until February 25, the envoy said. "
SAMPLES = ["truce", _SENTENCE, _SENTENCE * 4, _SENTENCE * 40, "Größe, 他来了, naïve — “quoted”"]
"""What an exported model is tried on."""

_KNOWN_WORDS = 100_000  # whose numbers of tokens are kept


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """What is kept beside an exported graph, as ``model.json``.

    Parameters
    ----------
    model, fingerprint : str
        See `qa.models.ModelFiles`.
    dimensions, max_tokens : int
        See `Encoder`.
    inputs : sequence of str
        The names of the graph's inputs.
    passage_prompt, question_prompt : str
        What the model wants before a text.
    exact : bool
        Whether its vectors are sentence-transformers' own; if not, the graph is not used.
    difference : float or None
        The largest of any component from sentence-transformers' vectors; None if there is no graph.
    problem : str
        Why there is no graph.
    check_sums : dict
        CRC-32 of the files beside it, by name.
    bits : int
        Of a weight: 32, or 8 for the quick one, whose vectors are others and kept under a name of
        their own.
    """

    model: str
    fingerprint: str
    dimensions: int
    max_tokens: int
    inputs: Sequence[str]
    passage_prompt: str
    question_prompt: str
    exact: bool
    difference: float | None = None
    problem: str = ""
    check_sums: dict[str, int] = field(default_factory=dict)
    bits: int = 32

    def write(self, folder: Path) -> None:
        """Write ``model.json``."""
        data = json.dumps(asdict(self))
        sealed = json.dumps({"check_sum": zlib.crc32(data.encode()), "model": data})
        (folder / "model.json").write_text(sealed, "utf-8")

    @classmethod
    def read(cls, folder: Path) -> ExportedModel:
        """Read ``model.json``. Raises ValueError when it is damaged, else OSError."""
        sealed = json.loads((folder / "model.json").read_bytes())
        if zlib.crc32(sealed["model"].encode()) != sealed["check_sum"]:
            raise ValueError("model.json is not as it was written")
        return cls(**json.loads(sealed["model"]))


class _TokenCounter:
    """Counts the tokens of texts, as a whole or, where that is the same, word by word.

    Most words are known by then, which makes it three times as fast.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._tokens_of = lru_cache(_KNOWN_WORDS)(self._encoded)

    def count(self, text: str) -> int:
        """The tokens of a text, without specials."""
        return sum(map(self._tokens_of, text.split())) if self._by_words else self._encoded(text)

    @cached_property
    def _tokenizer(self) -> tokenizers.Tokenizer:
        """Loaded only when something is counted: whoever only asks need not wait for it."""
        tokenizer = tokenizers.Tokenizer.from_file(str(self._file))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    @cached_property
    def _by_words(self) -> bool:
        """Whether no token reaches across white space."""
        return isinstance(self._tokenizer.pre_tokenizer, BertPreTokenizer)

    def _encoded(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


class OnnxEncoder:
    """An exported model on onnxruntime."""

    def __init__(self, folder: Path, kept: ExportedModel) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # texts run side by side: 1.2 times one text on all cores
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=prepared.SLOWER,
        )
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(kept.max_tokens)
        self._counter = _TokenCounter(folder / "tokenizer.json")
        self._kept = kept
        self._threads = prepared.cores()

    @property
    def name(self) -> str:
        kind = "" if self._kept.bits == 32 else f"-int{self._kept.bits}"
        return f"{self._kept.model}{kind}@{self._kept.fingerprint[:12]}"

    @property
    def dimensions(self) -> int:
        return self._kept.dimensions

    @property
    def max_tokens(self) -> int:
        return self._kept.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [self._counter.count(text) for text in texts]

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._kept.passage_prompt + text for text in texts])

    def encode_question(self, text: str) -> Vectors:
        vector: Vectors = self._encode([self._kept.question_prompt + text])[0]
        return vector

    def _encode(self, texts: list[str]) -> Vectors:
        """One text a run, one run a core: nothing is padded, and a text's vector does not depend
        on its neighbours.
        """
        encodings = self._tokenizer.encode_batch_fast([text.strip() for text in texts])
        vectors = np.empty((len(texts), self.dimensions), np.float32)  # (n, d)
        # the longest first, so that no core is left alone with a long one at the end
        rows = sorted(range(len(texts)), key=lambda row: -len(encodings[row].ids))
        ids = [encodings[row].ids for row in rows]
        for row, vector in zip(
            rows, map(self._run, ids) if len(ids) == 1 else self._map(ids), strict=True
        ):
            vectors[row] = vector
        return vectors

    def _map(self, ids: list[list[int]]) -> Iterator[Vectors]:
        with ThreadPoolExecutor(self._threads) as pool:
            yield from pool.map(self._run, ids)

    def _run(self, ids: list[int]) -> Vectors:
        tokens = np.array([ids], np.int64)  # (1, tokens)
        values = {
            "input_ids": tokens,
            "attention_mask": np.ones_like(tokens),
            "token_type_ids": np.zeros_like(tokens),
        }
        feed = {name: values[name] for name in self._kept.inputs}
        vector: Vectors = self._session.run(None, feed)[0][0]
        return vector
