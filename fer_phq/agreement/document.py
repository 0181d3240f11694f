"""Agreement as JSON has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fer_phq.agreement.intervals import LEVEL, Coefficient
from fer_phq.agreement.measuring import Agreement, CodeAgreement, GroupAgreement

_DECIMALS = 4


def agreement_document(agreement: Agreement) -> dict[str, Any]:
    """Return agreement as JSON-able values: what `fer-phq agree --json` prints.

    Args:
        agreement: Of `measure_agreement`.
    """
    grid = agreement.grid
    coders = len(agreement.coders)
    return {
        "coders": list(agreement.coders),
        "duration_s": round(grid.duration_s, 3),
        "compared_s": round(agreement.compared_s, 3),
        "tolerance_s": grid.tolerance_s,
        "unit_s": grid.unit_s,
        "block_s": grid.block_s,
        "blocks": agreement.blocks,
        "interval_level": LEVEL,
        "kappa": "cohen" if coders == 2 else "fleiss",
        "icc": "ICC(2,1)",
        "groups": [_group(group) for group in agreement.groups],
        "codes": [_code(code, agreement.coders) for code in agreement.codes],
        "pairs": [
            {
                "coders": list(pair.coders),
                "kappa": "cohen",
                "groups": [_group(group) for group in pair.groups],
                "codes": [_code(code, pair.coders) for code in pair.codes],
            }
            for pair in agreement.pairs
        ],
        "warnings": [str(warning) for warning in agreement.warnings],
    }


def _group(group: GroupAgreement) -> dict[str, Any]:
    return {
        "group": group.name,
        "kind": str(group.kind),
        "codes": list(group.codes),
        "kappa": _coefficient(group.kappa),
    }


def _code(agreement: CodeAgreement, coders: Sequence[str]) -> dict[str, Any]:
    amounts = zip(coders, agreement.amounts, strict=True)
    return {
        "code": agreement.code.name,
        "group": agreement.code.group,
        "kind": str(agreement.code.kind),
        "amounts": [
            {"coder": coder, "count": amount.count, "seconds": round(amount.seconds, 3)} for coder, amount in amounts
        ],
        "kappa": _coefficient(agreement.kappa),
        "specific_agreement": _coefficient(agreement.specific),
        "icc": _coefficient(agreement.icc),
    }


def _coefficient(coefficient: Coefficient) -> dict[str, Any]:
    return {
        "value": _rounded(coefficient.value),
        "low": _rounded(coefficient.low),
        "high": _rounded(coefficient.high),
        "reason": None if coefficient.reason is None else str(coefficient.reason),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)
