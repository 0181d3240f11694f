"""Agreement of two coders or more: by group of codes, by code, and where there are three or more, by pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
import numpy.typing as npt

from fer_phq.agreement import messages
from fer_phq.agreement.coefficients import cohen, fleiss, intraclass, matched, specific
from fer_phq.agreement.intervals import Coefficient, of_tables, undefined, with_interval
from fer_phq.agreement.offsets import find_lag
from fer_phq.agreement.points import block_counts, tally_points
from fer_phq.agreement.scheme import AgreementError, Code, Coder, Kind, Scheme
from fer_phq.agreement.units import Bool, Grid, block_shares, choice, tally
from fer_phq.annotations.readers.files import MAX_S
from fer_phq.core.messages import Message

TOLERANCE_S = 0.5
UNIT_S = 0.1
BLOCK_S = 30.0
LEAST_UNIT_S = 0.01
LEAST_BLOCK_S = 1.0

Float = npt.NDArray[np.float64]
Tables = Callable[[Float], Float]


@dataclass(frozen=True)
class Amount:
    """How much of a code a coder noted in the time compared.

    Attributes:
        count: Annotations.
        seconds: How long they last together; 0 for points.
    """

    count: int
    seconds: float


@dataclass(frozen=True)
class CodeAgreement:
    """Agreement on a code.

    Attributes:
        code: The code.
        amounts: Of each coder, in their order.
        kappa: Of a state whether it is there or not: Cohen's of two coders, Fleiss' of more. Points have none.
        specific: Specific agreement: of how often it was noted, how often by both, 0 to 1.
        icc: ICC(2,1) of how much of it each block has.
    """

    code: Code
    amounts: tuple[Amount, ...]
    kappa: Coefficient
    specific: Coefficient
    icc: Coefficient


@dataclass(frozen=True)
class GroupAgreement:
    """Agreement on which of several codes is there.

    Attributes:
        name: The tier or the category, or "".
        kind: Whether its codes last.
        codes: Their names; a state has "none of them" as well.
        kappa: Cohen's of two coders, Fleiss' of more; of points, of two coders alone.
    """

    name: str
    kind: Kind
    codes: tuple[str, ...]
    kappa: Coefficient


@dataclass(frozen=True)
class PairAgreement:
    """Agreement of two of several coders.

    Attributes:
        coders: Their names.
        groups: As of two coders.
        codes: As of two coders.
    """

    coders: tuple[str, str]
    groups: tuple[GroupAgreement, ...]
    codes: tuple[CodeAgreement, ...]


@dataclass(frozen=True)
class Agreement:
    """Agreement of several coders.

    Attributes:
        coders: Their names.
        grid: Time units, blocks and tolerance.
        compared_s: Seconds that could be compared.
        blocks: Number of blocks with time that could be compared: intervals are drawn from these.
        groups: Of all coders.
        codes: Of all coders.
        pairs: Each pair of three coders or more; empty for two.
        warnings: What was assumed.
    """

    coders: tuple[str, ...]
    grid: Grid
    compared_s: float
    blocks: int
    groups: tuple[GroupAgreement, ...]
    codes: tuple[CodeAgreement, ...]
    pairs: tuple[PairAgreement, ...]
    warnings: tuple[Message, ...]


def measure_agreement(
    scheme: Scheme, *, tolerance_s: float = TOLERANCE_S, unit_s: float = UNIT_S, block_s: float = BLOCK_S
) -> Agreement:
    """Measure how far coders agree.

    Args:
        scheme: Their annotations on one scheme, of `join_files`.
        tolerance_s: How far apart the same may be, in seconds, 0 or more.
        unit_s: Length of a time unit in seconds, 0.01 or more.
        block_s: Length of the blocks that intervals and ICC are of, in seconds, 1 or more.

    Raises:
        AgreementError: The times do not go together, or no time could be compared.
    """
    if not (unit_s >= LEAST_UNIT_S and block_s >= max(unit_s, LEAST_BLOCK_S) and 0 <= tolerance_s < block_s):
        raise AgreementError(messages.WRONG_TIMES())
    if not scheme.duration_s <= MAX_S:
        raise AgreementError(messages.TOO_LONG(duration_s=scheme.duration_s))
    grid = Grid(scheme.duration_s, unit_s, min(block_s, MAX_S), tolerance_s)
    is_compared = ~grid.presence(scheme.gaps)
    if not is_compared.any():
        raise AgreementError(messages.NOTHING_COMPARED())
    compared_s = min(scheme.duration_s, float(is_compared.sum()) * unit_s)
    comparison = _Comparison(scheme, scheme.coders, grid, is_compared)
    pairs = [_Comparison(scheme, pair, grid, is_compared) for pair in combinations(scheme.coders, 2)]
    warnings = [*scheme.warnings, *_short_states(scheme, unit_s), *_lags(scheme, grid)]
    if scheme.gaps:
        warnings.append(messages.WITHOUT_FACE(left_out_s=max(0.0, scheme.duration_s - compared_s)))
    return Agreement(
        coders=tuple(coder.name for coder in scheme.coders),
        grid=grid,
        compared_s=compared_s,
        blocks=comparison.blocks,
        groups=comparison.groups(),
        codes=comparison.codes(),
        pairs=tuple(
            PairAgreement((pair.coders[0].name, pair.coders[1].name), pair.groups(), pair.codes())
            for pair in (pairs if len(scheme.coders) > 2 else [])
        ),
        warnings=tuple(warnings),
    )


class _Comparison:
    """Some coders' annotations on the time units."""

    def __init__(self, scheme: Scheme, coders: Sequence[Coder], grid: Grid, is_compared: Bool) -> None:
        self.coders = coders
        self._codes = scheme.codes
        self._grid = grid
        self._is_compared = is_compared
        self._has_unit = np.isfinite(block_shares(is_compared, grid, is_compared))
        self._kappa: Tables = cohen if len(coders) == 2 else fleiss
        self._presence = {
            (coder.name, code.name): grid.presence(coder.spans[code.name])
            for coder in coders
            for code in scheme.codes
            if code.kind is Kind.STATE
        }
        self._times = {
            coder.name: {code.name: self._points(coder, code) for code in scheme.codes if code.kind is Kind.POINT}
            for coder in coders
        }

    @property
    def blocks(self) -> int:
        """How many blocks have time that counts."""
        return int(self._has_unit.sum())

    def codes(self) -> tuple[CodeAgreement, ...]:
        """Return the agreement on each code."""
        return tuple(self._state(code) if code.kind is Kind.STATE else self._point(code) for code in self._codes)

    def groups(self) -> tuple[GroupAgreement, ...]:
        """Return the agreement on each group of two codes or more."""
        by_group: dict[tuple[Kind, str], list[str]] = {}
        for code in self._codes:
            by_group.setdefault((code.kind, code.group), []).append(code.name)
        return tuple(
            GroupAgreement(name, kind, tuple(codes), self._choice(codes) if kind is Kind.STATE else self._match(codes))
            for (kind, name), codes in by_group.items()
            if len(codes) > 1
        )

    def _points(self, coder: Coder, code: Code) -> list[float]:
        last = self._grid.units - 1
        times = (start_s for start_s, _ in coder.spans[code.name])
        return [time_s for time_s in times if self._is_compared[min(last, int(time_s / self._grid.unit_s))]]

    def _state(self, code: Code) -> CodeAgreement:
        presences = [self._presence[coder.name, code.name] for coder in self.coders]
        tables = self._tally([present.astype(np.int64) for present in presences], 2)
        shares = np.column_stack([block_shares(present, self._grid, self._is_compared) for present in presences])
        amounts = tuple(
            Amount(self._count(coder, code), float((present & self._is_compared).sum()) * self._grid.unit_s)
            for coder, present in zip(self.coders, presences, strict=True)
        )
        is_never = not any(amount.count for amount in amounts)
        absence = messages.NEVER() if is_never else messages.NO_VARIATION()
        return CodeAgreement(
            code,
            amounts,
            with_interval(of_tables(self._kappa, tables), len(tables), absence),
            with_interval(of_tables(partial(specific, category=1), tables), len(tables), messages.NEVER()),
            _icc(shares, is_never),
        )

    def _point(self, code: Code) -> CodeAgreement:
        times = [self._times[coder.name][code.name] for coder in self.coders]
        tables = self._tally_points([code.name])
        counts = np.column_stack([block_counts(part, self._grid) for part in times])
        return CodeAgreement(
            code,
            tuple(Amount(len(part), 0.0) for part in times),
            undefined(messages.SINGLE_POINT_CODE()),
            with_interval(of_tables(partial(specific, category=0), tables), len(tables), messages.NEVER()),
            _icc(np.where(self._has_unit[:, None], counts, np.nan), not any(times)),
        )

    def _choice(self, codes: Sequence[str]) -> Coefficient:
        """Return the kappa of which of several states is there, or none."""
        choices = [choice([self._presence[coder.name, code] for code in codes]) for coder in self.coders]
        present = [part for part in choices if part is not None]
        if len(present) < len(choices):
            return undefined(messages.CODES_OVERLAP())
        tables = self._tally(present, len(codes) + 1)
        return with_interval(of_tables(self._kappa, tables), len(tables), messages.NO_VARIATION())

    def _match(self, codes: Sequence[str]) -> Coefficient:
        """Return the kappa of the points of several codes."""
        if len(self.coders) > 2:
            return undefined(messages.PAIRS_ALONE())
        tables = self._tally_points(codes)
        return with_interval(of_tables(matched, tables), len(tables), messages.NO_VARIATION())

    def _tally(self, values: Sequence[npt.NDArray[np.int64]], categories: int) -> Float:
        """Return the tallies of all pairs together."""
        pairs = combinations(values, 2)
        tables = [tally(left, right, categories, self._grid, self._is_compared) for left, right in pairs]
        return self._filled(np.asarray(np.sum(tables, axis=0), np.float64))

    def _tally_points(self, codes: Sequence[str]) -> Float:
        pairs = combinations((self._times[coder.name] for coder in self.coders), 2)
        tables = [tally_points(left, right, codes, self._grid) for left, right in pairs]
        return self._filled(np.asarray(np.sum(tables, axis=0), np.float64))

    def _filled(self, tables: Float) -> Float:
        """Return the tables without those of blocks in which nothing counts: they would pass for data in an interval.

        A point behind the last unit's middle may stand alone in a block.
        """
        return tables[self._has_unit | tables.any((1, 2))]

    def _count(self, coder: Coder, code: Code) -> int:
        """Return how many of a coder's annotations reach into the time compared."""
        compared_units = np.concatenate([[0], np.cumsum(self._is_compared)])
        count = 0
        for start_s, end_s in coder.spans[code.name]:
            first = min(int(start_s / self._grid.unit_s), self._grid.units - 1)
            last = min(max(int(np.ceil(end_s / self._grid.unit_s)), first + 1), self._grid.units)
            count += int(compared_units[last] > compared_units[first])
        return count


def _icc(values: Float, is_never: bool) -> Coefficient:
    """Return ICC(2,1) over the blocks that have time that counts."""
    whole = values[np.isfinite(values).all(1)]
    if len(whole) < 2:
        return undefined(messages.FEW_BLOCKS(n=len(whole), least=2))
    absence = messages.NEVER() if is_never else messages.SAME_IN_BLOCKS()
    return with_interval(partial(intraclass, whole), len(whole), absence)


def _short_states(scheme: Scheme, unit_s: float) -> list[Message]:
    states = [code.name for code in scheme.codes if code.kind is Kind.STATE]
    warnings = []
    for coder in scheme.coders:
        count = sum(end_s - start_s < unit_s for name in states for start_s, end_s in coder.spans[name])
        warnings += [messages.SHORT_STATES(n=count, coder=coder.name, unit_s=unit_s)] if count else []
    return warnings


def _lags(scheme: Scheme, grid: Grid) -> list[Message]:
    warnings = []
    for left, right in combinations(scheme.coders, 2):
        lag = find_lag(scheme, left, right, grid)
        if lag is not None:
            facts = {"best": lag.overlap, "now": lag.overlap_now, "lag_s": lag.lag_s}
            warnings.append(messages.OFFSET(one=left.name, other=right.name, **facts))
    return warnings
