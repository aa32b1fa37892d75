"""Passage -> the message that asks a language model for one question, and the form of its reply."""

import hashlib

from science_exam.questions.generation.asking import Messages
from science_exam.questions.generation.engines import Passage
from science_exam.tables import OPTION_COLUMNS

MAX_QUESTION_CHARS = 300
MAX_OPTION_CHARS = 220  # question and options at their longest: 1,400 characters, some 350 tokens of English

# What a reply must be: servers get it as response_format, a local model cannot leave it.
SCHEMA = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "minLength": 1, "maxLength": MAX_QUESTION_CHARS},
        **{
            option: {"type": "string", "minLength": 1, "maxLength": MAX_OPTION_CHARS}
            for option in OPTION_COLUMNS
        },
        "answer": {"type": "string", "enum": list(OPTION_COLUMNS)},
    },
    "required": ["question", *OPTION_COLUMNS, "answer"],
    "additionalProperties": False,
}

# One passage is asked about in several ways; number 0 suits every passage.
KINDS = (
    "Ask which statement about the passage's main subject is accurate.",
    "Ask for a cause, a reason or a mechanism: why something happens, or what brings it about.",
    "Ask what a technical term means, or which term a given meaning belongs to.",
    "Ask how two things, cases or ideas that the passage tells apart differ.",
    "Ask for the purpose or use of something: what it does, or where it is applied.",
    "Ask for one exact fact: a quantity with its unit, a year, a name, a place or a part.",
    "Ask what follows from a principle of the passage in a concrete case that you describe.",
)

# The instruction comes first and never changes, so that a server can keep its work on it; what
# differs from request to request stands at the end.
INSTRUCTION = (
    "You write questions for a difficult multiple-choice examination in science. From the passage below, "
    "write one question with five options, of which exactly one is right.\n\n"
    "The question:\n"
    "- It makes sense to somebody who has never seen the passage: name the subject, and never mention "
    "a passage, text, author, figure or study.\n"
    "- It asks about science worth knowing, not about the wording of the passage.\n"
    "- The passage alone settles which option is right.\n"
    "The options:\n"
    "- All five are of one type, form and length: five full statements, or five terms, or five "
    "quantities in one unit.\n"
    "- The right option is in your own words, and neither longer nor more detailed than the others.\n"
    "- Each wrong option is something that a student could believe: a common confusion, a neighbouring "
    "idea, an exchanged cause and effect. Each is plainly wrong to an expert.\n"
    '- No option is empty, a joke, or about other options; never write "all of the above" or '
    '"none of the above".\n\n'
    'Reply with one JSON object and nothing else. Its keys are "question", "option_1", "option_2", '
    '"option_3", "option_4", "option_5" and "answer". The value of "answer" is the key of the right '
    "option. All values are strings in plain text, without markup."
)


def write_messages(passage: Passage, number: int) -> Messages:
    """The chat that asks for one question about `passage`.

    It is a single message of the user: some chat templates know no system role.

    Args:
        passage: what the question is about.
        number: from 0; another number asks for another kind of question.
    """
    content = (
        f"{INSTRUCTION}\n\n"
        f"Passage:\n{passage.text.strip()}\n\n"
        f"{KINDS[number % len(KINDS)]} Make option_{assign_answer(passage, number)} the right one."
    )
    return [{"role": "user", "content": content}]


def assign_answer(passage: Passage, number: int) -> int:
    """Which option is to be right, 1 to 5: left to themselves, models prefer some places."""
    digest = hashlib.sha256(f"{passage.passage_id} {number}".encode()).digest()
    return digest[0] % len(OPTION_COLUMNS) + 1
