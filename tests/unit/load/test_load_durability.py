import numpy as np

from harness.history import Arrivals, Durability
from harness.load.answers import Stored
from harness.load.durability import Turn, acknowledged_turns, compare, worst

TURNS = [Turn("u1", "a1", "[r-1]"), Turn("u2", "a2", "[r-12]")]


def stored(*messages):
    """Each message is 'id:text'; the role follows from the id's first letter."""
    ids, texts = zip(*(one.split(":") for one in messages), strict=True)
    roles = tuple({"u": "user", "a": "assistant"}[one[0]] for one in ids)
    return Stored("c", ids, roles, texts)


WHOLE = ("u1:[r-1] hello", "a1:You said [r-1]", "u2:[r-12] more", "a2:yes")


def test_of_two_ways_in_the_worst_counts() -> None:
    assert worst([Durability(10, 1, 0, 2, 0), Durability(10, 0, 3, 0, 0)]) == Durability(10, 1, 3, 2, 0)
    assert worst([Durability(10, 1, 0, 2, 0)]) == Durability(10, 1, 0, 2, 0)


def test_a_conversation_that_holds_what_was_acknowledged_is_whole():
    assert compare(stored(*WHOLE), TURNS) == Durability(4, 0, 0, 0, 0)


def test_messages_of_turns_that_were_not_acknowledged_do_no_harm():
    assert compare(stored("u0:[r-0] late", *WHOLE[:2], "u7:[r-7] x", *WHOLE[2:], "a7:y"), TURNS).lost == 0


def test_each_missing_message_is_lost():
    assert compare(stored(*WHOLE[:3]), TURNS) == Durability(4, 1, 0, 0, 0)
    assert compare(stored(*WHOLE[:2]), TURNS) == Durability(4, 2, 0, 0, 0)
    assert compare(Stored("c", (), (), ()), TURNS) == Durability(4, 4, 0, 0, 0)


def test_a_message_under_its_id_with_another_text_or_role_is_lost():
    assert compare(stored("u1:something else", *WHOLE[1:]), TURNS).lost == 1
    swapped = Stored("c", ("u1", "a1"), ("assistant", "user"), ("[r-1]", "x"))
    assert compare(swapped, TURNS[:1]).lost == 2


def test_a_token_or_an_id_stored_again_is_a_duplicate():
    assert compare(stored("u1:[r-1] hello", "u9:[r-1] hello", *WHOLE[1:]), TURNS) == Durability(4, 0, 1, 0, 0)
    assert compare(stored(*WHOLE, "a2:yes"), TURNS) == Durability(4, 0, 1, 0, 0)
    assert compare(stored(*WHOLE, WHOLE[0]), TURNS) == Durability(4, 0, 1, 0, 0)


def test_messages_in_another_order_are_reordered():
    assert compare(stored(*WHOLE[2:], *WHOLE[:2]), TURNS).reordered == 2
    assert compare(stored(WHOLE[1], WHOLE[0], *WHOLE[2:]), TURNS).reordered == 1


def test_a_conversation_that_could_not_be_read_is_unchecked_and_not_lost():
    assert compare(None, TURNS) == Durability(4, 0, 0, 0, 4)


def arrivals(rows):
    """Rows of (seq, outcome, conversation, user, assistant, ended)."""
    count = len(rows)
    texts = {"kind": "chat", "provider": "", "detail": ""}
    columns = {name: np.array([value] * count, dtype=object) for name, value in texts.items()}
    names = ("outcome", "conversation_id", "user_message_id", "assistant_message_id")
    columns |= {name: np.array([row[k + 1] for row in rows], dtype=object) for k, name in enumerate(names)}
    ended = np.array([row[5] for row in rows], dtype=float)
    zeros = np.zeros(count)
    return Arrivals(
        seq=np.array([row[0] for row in rows]),
        counted=np.ones(count, dtype=bool),
        due_s=zeros,
        sent_s=zeros,
        first_byte_s=zeros,
        ended_s=ended,
        status=np.zeros(count, dtype=np.int64),
        **columns,
    )


def test_turns_are_put_in_the_order_in_which_they_were_acknowledged():
    turns = acknowledged_turns(
        "r",
        arrivals(
            [
                (1, "ok", "c1", "u1", "a1", 5.0),
                (2, "ok", "c2", "u2", "a2", 1.0),
                (3, "ok", "c1", "u3", "a3", 2.0),
                (4, "ok", "c1", "", "", 3.0),  # a read
                (5, "deadline", "c1", "", "", 4.0),
            ]
        ),
    )
    assert turns == {
        "c2": [Turn("u2", "a2", "[r-2]")],
        "c1": [Turn("u3", "a3", "[r-3]"), Turn("u1", "a1", "[r-1]")],
    }
