"""What merging two subjects means, in sentences for a preview and for the report."""

from __future__ import annotations

from db.records import MergeReport
from fer_phq.core.messages import Message
from service.lifecycle import messages


def describe_merge(report: MergeReport) -> tuple[Message, ...]:
    """Say what a merging does to what both subjects have, and who sees more by it. Nothing where they share nothing.

    Args:
        report: What the merging does, or did.
    """
    counts = (
        (messages.SAME_RECORDINGS, report.twins),
        (messages.ANALYSES_GO, report.analyses),
        (messages.TRANSCRIPTS_GO, report.transcripts),
        (messages.CONSENT_ENDS, report.withdrawals),
        (messages.CONSENT_HOLDS, report.consents),
        (messages.RETENTION_SHORTENS, report.retentions),
        (messages.SAME_QUESTIONNAIRES, report.same_questionnaires),
        (messages.OTHER_ANSWERS, report.conflicts),
        (messages.SAME_WORDS, report.same_events + report.same_notes),
    )
    sentences = [template(n=count) for template, count in counts if count]
    if report.accounts:
        sentences.append(messages.ACCOUNTS_SEE_MORE(names=", ".join(report.accounts)))
    return tuple(sentences)
