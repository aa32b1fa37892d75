"""What a run says about where it took place."""

import json

from science_exam.environment import describe_environment


def test_the_environment_says_what_decides_a_result():
    environment = json.loads(json.dumps(describe_environment()))
    assert {"python", "machine", "device", "commit", "packages"} <= environment.keys()
    assert environment["packages"]["numpy"]
