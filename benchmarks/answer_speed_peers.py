"""The ways of answer_speed.py that read padded prompts, one batch after the other."""

from collections.abc import Callable, Iterator, Sequence

from answer_speed_bench import Answer, Bench, Laps, measure_sizes

from science_exam.answering.decoding import decode_greedy, pad_left, score_options
from science_exam.answering.options import build_trie
from science_exam.prompt import COMPLETIONS, Question

BLOG_BATCH = 8
BLOG_QUESTIONS = 24  # one by one
Tokens = Sequence[int]
Run = Callable[[list[Tokens]], object]  # a batch of prompts through the model


def answer_in_batches(bench: Bench, run: Run, batch_size: int, is_sorted: bool = True) -> Answer:
    """`run` over the encoded questions; sorted by length, the longest first, they need less padding."""

    def answer(questions: Sequence[Question], laps: Laps) -> None:
        prompts = [bench.encode(question) for question in questions]
        if is_sorted:
            prompts.sort(key=len, reverse=True)
        for start in range(0, len(prompts), batch_size):
            with laps.answering():
                run(prompts[start : start + batch_size])

    return answer


def generate(bench: Bench, prompts: list[Tokens], n_new: int, **settings) -> None:
    """Hugging Face's own loop, the likeliest token each time."""
    inputs = pad_left(prompts, bench.tokenizer.pad_token_id, bench.model.device)
    del inputs["position_ids"]  # the loop makes them from the mask
    bench.model.generate(
        **inputs, max_new_tokens=n_new, do_sample=False, pad_token_id=bench.tokenizer.pad_token_id, **settings
    )


def make_blog(bench: Bench, batch_size: int) -> Answer:
    """Free generation as in the published fine-tune, question after question in the order given.

    A trained model stops at the end-of-text token; one with random weights is stopped at that place.
    """
    n_new = max(map(len, bench.options))
    return answer_in_batches(bench, lambda batch: generate(bench, batch, n_new), batch_size, is_sorted=False)


def make_constrained(bench: Bench) -> Answer:
    """generate with `prefix_allowed_tokens_fn`, up to the option's last token."""
    trie, n_new = build_trie(bench.options), max(map(len, bench.options)) - 1

    def run(batch: list[Tokens]) -> None:
        width = max(map(len, batch))

        def allow(_, ids) -> list[int]:
            node = trie
            for token in ids[width:].tolist():
                node = node.children[token]
            return list(node.children)

        generate(bench, batch, n_new, prefix_allowed_tokens_fn=allow)

    return answer_in_batches(bench, run, bench.job.batch_size)


def make_xgrammar(bench: Bench) -> Answer:
    """generate with xgrammar's logits processor, for as many tokens as the options have.

    The grammar allows an option's letters in other tokens too, which a trained model does not choose.
    """
    import xgrammar

    n_new = max(map(len, bench.options)) - 1
    vocabulary = bench.model.config.vocab_size
    described = xgrammar.TokenizerInfo.from_huggingface(bench.tokenizer, vocab_size=vocabulary)
    grammar = xgrammar.GrammarCompiler(described).compile_regex("|".join(COMPLETIONS))

    def run(batch: list[Tokens]) -> None:
        processor = xgrammar.contrib.hf.LogitsProcessor(grammar)  # serves one call
        generate(bench, batch, n_new, logits_processor=[processor])

    return answer_in_batches(bench, run, bench.job.batch_size)


def make_greedy(bench: Bench) -> Answer:
    """This project's reference, constrained decoding step by step."""

    def run(batch: list[Tokens]) -> None:
        decode_greedy(bench.model, batch, bench.options, len(batch), bench.tokenizer.pad_token_id)

    return answer_in_batches(bench, run, bench.job.batch_size)


def make_padded(bench: Bench) -> Answer:
    """One forward pass of transformers' model over padded prompts, to the token that decides."""

    def run(batch: list[Tokens]) -> None:
        score_options(bench.model, batch, bench.options, len(batch), bench.tokenizer.pad_token_id)

    return answer_in_batches(bench, run, bench.job.batch_size)


MAKERS: dict[str, tuple[str, Callable[[Bench], Answer]]] = {  # way -> its row in the table, what makes it
    "blog": ("the blog's generate, one by one", lambda bench: make_blog(bench, 1)),
    "blog-8": ("the blog's generate, batches of 8", lambda bench: make_blog(bench, BLOG_BATCH)),
    "constrained": ("generate, the options' tokens allowed", make_constrained),
    "xgrammar": ("generate, xgrammar", make_xgrammar),
    "greedy": ("constrained decoding (our reference)", make_greedy),
    "padded": ("one padded forward pass", make_padded),
}
PACKAGES = {"xgrammar": ("xgrammar", "tvm_ffi")}


def measure_peer(bench: Bench) -> tuple[Answer, Iterator[dict]]:
    """A way to answer, and its short run alone, whose pace is steady; one by one has a shorter one."""
    job = bench.job
    row, make = MAKERS[job.way]
    answer = make(bench)
    size = min(BLOG_QUESTIONS, job.few) if job.way == "blog" else job.few
    return answer, measure_sizes(bench, answer, [size], row)
