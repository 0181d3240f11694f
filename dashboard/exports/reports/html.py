"""A report as one HTML file that needs nothing else: pictures inside, no script, light on paper and on a screen."""

from __future__ import annotations

import base64
from html import escape

from dashboard.exports.reports.blocks import Block, Chart, Facts, Heading, Report, Rows, Words
from dashboard.i18n import language
from dashboard.theme.palette import LIGHT

_CSS = f"""
body {{ font: 15px/1.5 Inter, system-ui, sans-serif; color: {LIGHT.ink}; background: {LIGHT.page}; margin: 0; }}
main {{ max-width: 46rem; margin: 2rem auto; padding: 2rem 2.5rem; background: {LIGHT.card}; }}
h1 {{ margin: 0; font-size: 1.7rem; overflow-wrap: anywhere; }}
h2 {{ margin: 2rem 0 .5rem; font-size: 1.15rem; break-after: avoid; }}
.lead, .note, footer {{ color: {LIGHT.muted}; }}
.warning {{ border-left: 4px solid {LIGHT.warning}; padding: .4rem .8rem; background: {LIGHT.inset}; }}
dl {{ display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .2rem 1.2rem; margin: .6rem 0; }}
dt {{ color: {LIGHT.muted}; }} dd {{ margin: 0; overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9em; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid {LIGHT.line}; }}
td {{ overflow-wrap: anywhere; }}
figure {{ margin: .8rem 0; break-inside: avoid; }} img {{ width: 100%; }}
footer {{ margin-top: 2rem; border-top: 1px solid {LIGHT.line}; padding-top: .6rem; font-size: .85em; }}
@media print {{ body {{ background: white; }} main {{ margin: 0; padding: 0; max-width: none; }} }}
"""


def to_html(report: Report) -> str:
    """Write the report as an HTML document; every text is escaped."""
    body = "\n".join(_block(block) for block in report.blocks)
    return (
        f'<!doctype html>\n<html lang="{language()}"><head><meta charset="utf-8">'
        f"<title>{escape(report.title)}</title>\n"
        '<meta name="viewport" content="width=device-width">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        f"style-src 'unsafe-inline'\">\n<style>{_CSS}</style></head>\n<body><main>\n"
        f'<h1>{escape(report.title)}</h1>\n<p class="lead">{escape(report.lead)}</p>\n{body}\n'
        f"<footer>{escape(report.origin)}</footer>\n</main></body></html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{escape(text)}</h2>"
        case Words(text, kind):
            return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"
        case Facts(pairs):
            return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in pairs)}</dl>"
        case Rows(head, cells):
            top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
            rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
            return f"<table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table>"
        case Chart():
            data = base64.b64encode(block.png()).decode()
            return f'<figure><img alt="{escape(block.alt)}" src="data:image/png;base64,{data}"></figure>'
