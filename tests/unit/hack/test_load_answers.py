from hack.answers import Answer, Answers


def answered(sent: float, version: str = "v1", track: str = "stable", status: int = 200) -> Answer:
    return Answer(sent, sent + 0.01, status, version, track)


def test_a_span_takes_requests_by_the_time_they_were_sent_not_answered() -> None:
    slow = Answer(10.0, 14.5, 200, "v2", "canary")
    answers = Answers([answered(9.9), slow, answered(10.5), answered(12.0)])
    assert [a.sent for a in answers.sent(10.0, 12.0)] == [10.5, 10.0]


def test_answers_added_later_are_found_too() -> None:
    answers = Answers([answered(1.0)])
    answers.add([answered(3.0), answered(2.0)])
    assert len(answers) == 3
    assert [a.sent for a in answers.sent(0, 9)] == [1.0, 2.0, 3.0]


def test_share_of_a_track_counts_requests_without_an_answer_among_all() -> None:
    answers = Answers([answered(1), answered(2, "v2", "canary"), Answer(3, 3.1, 0), answered(4)])
    share = answers.share(0, 9, track="canary")
    assert (share.requests, share.part, share.percent) == (4, 1, 25.0)


def test_share_of_a_version() -> None:
    answers = Answers([answered(1), answered(2, "v2", "canary"), answered(3, "v2")])
    assert answers.share(0, 9, version="v2").part == 2
    assert answers.share(0, 9, version="v2", track="canary").part == 1


def test_share_of_nothing_is_unknown() -> None:
    assert Answers().share(0, 9, track="canary").percent is None


def test_everything_but_a_2xx_is_a_failure() -> None:
    answers = Answers([answered(i, status=s) for i, s in enumerate((200, 204, 302, 404, 500, 0))])
    assert [a.status for a in answers.failures(0, 9)] == [302, 404, 500, 0]


def test_a_failure_is_named_by_its_status_or_by_what_went_wrong() -> None:
    assert answered(1, status=502).kind == "502"
    assert Answer(1, 6, 0, error="TimeoutError").kind == "TimeoutError"


def test_counts_by_version_track_and_status() -> None:
    answers = Answers([answered(1), answered(2), answered(3, "v2", "canary", 500)])
    assert answers.counts(0, 9) == {("v1", "stable", 200): 2, ("v2", "canary", 500): 1}


def test_last_request_on_the_canary_is_the_last_one_sent() -> None:
    slow = Answer(2.0, 4.0, 200, "v2", "canary")
    later = Answer(2.5, 2.6, 200, "v2", "canary")
    answers = Answers([answered(1), slow, later, answered(5)])
    assert answers.last_on("canary", 0) == later
    assert answers.last_on("canary", 3.0) is None


def test_latency_leaves_out_requests_without_an_answer() -> None:
    answers = Answers([Answer(i, i + 0.1 * i, 200, "v1") for i in range(1, 11)])
    answers.add([Answer(20, 25, 0, error="TimeoutError")])
    assert round(answers.latency(0.95, 0, 99), 3) == 1.0
    assert answers.latency(0.95, 0, 99, "v9") == 0.0
