import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpipeline.text.quantities import (
    Amount,
    parse_amount,
    parse_number,
    parse_range,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/2개", Amount(0.5, None, "개")),
        ("10~15장", Amount(10.0, 15.0, "장")),
        ("15\uff5e10 장", Amount(10.0, 15.0, "장")),
        ("1.5큰술", Amount(1.5, None, "큰술")),
        ("2T", Amount(2.0, None, "T")),
        ("250그램", Amount(250.0, None, "그램")),
        ("1,000g", Amount(1000.0, None, "g")),
        ("약 200g (한 줌)", Amount(200.0, None, "g")),
        ("반개", Amount(0.5, None, "개")),
        ("1개반", Amount(1.5, None, "개")),
        ("2컵 반", Amount(2.5, None, "컵")),
        ("약간", Amount(None, None, "약간")),
        ("적당량", Amount(None, None, "적당량")),
        ("1 1/2 cups", Amount(1.5, None, "cups")),
        ("3-1/2 cups", Amount(3.5, None, "cups")),
        ("1½ tsp.", Amount(1.5, None, "tsp")),
        ("½ tsp", Amount(0.5, None, "tsp")),
        ("2 to 3 lbs", Amount(2.0, 3.0, "lbs")),
        ("1/2 - 3/4 cup", Amount(0.5, 0.75, "cup")),
        ("3", Amount(3.0, None, None)),
        ("1/0개", Amount(None, None, "1/0개")),
        ("", Amount()),
        (" \u200b", Amount()),
    ],
)
def test_parse_amount(text: str, expected: Amount) -> None:
    assert parse_amount(text) == expected


@given(st.text(st.sampled_from("0123456789/½~-. ,반개컵to"), max_size=25))
def test_any_amount_is_finite_and_ordered(text: str) -> None:
    amount = parse_amount(text)
    assert amount.quantity_max is None or amount.quantity is not None
    if amount.quantity is not None:
        assert 0 <= amount.quantity < 1e8
        assert amount.quantity_max is None or amount.quantity < amount.quantity_max


def test_what_is_no_number() -> None:
    assert parse_number("x") is None
    assert parse_number("1/0") is None
    assert parse_range("1/0 ~ 3") == (3.0, None)
    assert parse_range("some") == (None, None)


_ENDS = st.integers(0, 9_999_999_000).map(lambda thousandths: thousandths / 1000)
_UNITS = st.sampled_from([None, "개", "큰술", "g", "장", "T", "cups", "fl oz", "그램", "모", "ml"])


def written(amount: Amount) -> str:
    ends = [end for end in (amount.quantity, amount.quantity_max) if end is not None]
    numbers = "~".join(f"{end:.6f}".rstrip("0").rstrip(".") for end in ends)
    return f"{numbers}{amount.unit or ''}"


@given(first=_ENDS, second=st.none() | _ENDS, unit=_UNITS)
def test_amounts_survive_being_written_and_read(
    first: float, second: float | None, unit: str | None
) -> None:
    ends = [first] if second in {None, first} else sorted([first, second or 0.0])
    amount = Amount(*ends, *([None] * (2 - len(ends))), unit=unit)
    assert parse_amount(written(amount)) == amount
