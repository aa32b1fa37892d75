"""The reader: documents of a pack do not see each other, and losses are those of the plain model."""

import pytest
import torch
from conftest import LLAMA
from torch.nn import functional

from science_exam.pretraining.config import ModelConfig
from science_exam.pretraining.examples import Answer, Example
from science_exam.pretraining.packing import pack_examples
from science_exam.pretraining.reader import Reader, build_llama
from science_exam.pretraining.tokenizer import find_decision

SHAPE = ModelConfig(hidden_size=32, intermediate_size=64, layers=3, heads=4, kv_heads=2)


@pytest.fixture(scope="module")
def tokenizer(bases):
    return bases[LLAMA].tokenizer


@pytest.fixture(scope="module")
def reader(tokenizer):
    deciding_ids = find_decision(tokenizer).deciding_ids
    return Reader(build_llama(tokenizer, SHAPE, seed=5), deciding_ids, max_tokens=128)


@pytest.fixture(scope="module")
def documents(reader):
    torch.manual_seed(0)
    ids = [torch.randint(3, 500, (length,)).tolist() for length in (70, 100, 86)]
    answers = [
        [],
        [Answer(90, (10, 20, 30, 40, 50), 3)],
        [Answer(60, (5, 15, 25, 35, 45), 0), Answer(80, (62, 65, 68, 71, 74), 2)],
    ]
    for row, places in zip(ids, answers, strict=True):
        for place in places:
            row[place.place] = int(reader.deciding_ids[place.right])
    return [Example(row, places) for row, places in zip(ids, answers, strict=True)]


@pytest.fixture(scope="module")
def logits(reader, documents):
    """Of each document alone, with the library's own attention."""
    plain = reader.llama
    plain.set_attn_implementation("sdpa")
    with torch.no_grad():
        found = [plain(torch.tensor([document.ids])).logits[0] for document in documents]
    plain.set_attn_implementation("packed_documents")
    return found


def test_a_document_reads_as_if_it_stood_alone(reader, documents, logits):
    with torch.no_grad():
        hidden, _ = reader.run_blocks(pack_examples(documents, 256))
        packed = reader.llama.lm_head(hidden)
    torch.testing.assert_close(packed, torch.cat(logits), atol=1e-5, rtol=1e-4)


def test_losses_are_those_worked_out_from_the_plain_model(reader, documents, logits):
    pack = pack_examples(documents, 256)
    scores = reader(pack)
    text_losses = [
        functional.cross_entropy(rows[:-1], torch.tensor(document.ids[1:]), reduction="sum")
        for rows, document in zip(logits, documents, strict=True)
    ]
    text_loss = sum(text_losses) / (256 - len(documents))  # nothing foretells a document's first token
    torch.testing.assert_close(scores.text_loss, text_loss)
    before = [logits[1][89], logits[2][59], logits[2][79]]
    wanted = reader.deciding_ids[torch.tensor([3, 0, 2])]
    torch.testing.assert_close(scores.answer_loss, functional.cross_entropy(torch.stack(before), wanted))
    chosen = torch.stack(before)[:, reader.deciding_ids].argmax(dim=1)
    assert scores.right.tolist() == [*(chosen == torch.tensor([3, 0, 2])).tolist(), False]


def test_the_option_head_scores_the_states_behind_the_options(reader, documents):
    pack = pack_examples(documents, 256)
    _, halfway = reader.run_blocks(pack)
    at = [[70 + n for n in (10, 20, 30, 40, 50)], [170 + n for n in (5, 15, 25, 35, 45)]]
    at.append([170 + n for n in (62, 65, 68, 71, 74)])
    scores = reader.option_head(halfway[torch.tensor(at)])[:, :, 0]
    loss = functional.cross_entropy(scores, torch.tensor([3, 0, 2]))
    torch.testing.assert_close(reader(pack).option_loss, loss)


def test_the_halfway_state_is_taken_behind_two_thirds_of_the_blocks(reader):
    assert reader.read_after == 2  # of three


def test_text_without_questions_has_no_answer_loss(reader):
    scores = reader(pack_examples([Example([5] * 128)], 128))
    assert scores.answer_loss == 0 and scores.option_loss == 0 and not scores.right.any()


def test_every_weight_learns(reader, documents):
    reader.zero_grad()
    scores = reader(pack_examples(documents, 256))
    (scores.text_loss + scores.answer_loss + scores.option_loss).backward()
    assert all(weight.grad is not None and weight.grad.norm() > 0 for weight in reader.parameters())


def test_the_seed_decides_the_weights(tokenizer):
    def embedding(seed):
        return build_llama(tokenizer, SHAPE, seed).get_input_embeddings().weight

    assert torch.equal(embedding(1), embedding(1)) and not torch.equal(embedding(1), embedding(2))
