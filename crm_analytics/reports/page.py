"""Style and script of the HTML report; both take their colours from the charts' theme."""

from __future__ import annotations

from typing import Final

from crm_analytics.charts.theme import FONT, Theme

SCRIPT: Final = """
(function () {
  'use strict';
  var dark = window.matchMedia('(prefers-color-scheme: dark)');
  var figures = Array.from(document.querySelectorAll('script[data-for]')).map(function (s) {
    return { at: document.getElementById(s.getAttribute('data-for')), looks: JSON.parse(s.textContent) };
  });
  var config = {
    responsive: true, displaylogo: false, displayModeBar: 'hover', doubleClick: false, showTips: false,
    modeBarButtons: [['toImage']], toImageButtonOptions: { format: 'png', scale: 2, width: 960, height: 540 }
  };
  function draw(look, width) {
    figures.forEach(function (f) {
      var figure = f.looks[look] || f.looks.light;
      var paper = width ? { width: width, height: Math.min(figure.layout.height || 450, 760) } : {};
      var layout = Object.assign({}, figure.layout, paper);
      Plotly.react(f.at, figure.data, layout, config);
    });
  }
  function show() { draw(dark.matches ? 'dark' : 'light'); }
  dark.addEventListener('change', show);
  function unfold(all) {
    document.querySelectorAll('.kept').forEach(function (d) {
      if (all) { d.setAttribute('data-was', d.open); }
      d.open = all || d.getAttribute('data-was') === 'true';
    });
  }
  window.addEventListener('beforeprint', function () { unfold(true); draw('light', 670); });
  window.addEventListener('afterprint', function () { unfold(false); show(); });
  show();
})();
"""
"""Draws each figure in the look the reader prefers; on paper always the light one, no larger than the paper."""


def style(light: Theme, dark: Theme) -> str:
    """Give the style sheet for both looks, phones and paper."""
    return (
        f":root{{{_colours(light)}--font:{FONT}}}\n@media (prefers-color-scheme: dark){{:root{{{_colours(dark)}}}}}\n"
        f"@media print{{:root{{{_colours(light)}}}}}\n{_RULES}"
    )


def _colours(look: Theme) -> str:
    names = {
        "paper": look.background,
        "text": look.text,
        "muted": look.muted,
        "line": look.grid,
        "accent": look.accent,
        "bad": look.bad,
        "wash": look.tint(look.accent, 0.08),
    }
    return "".join(f"--{name}:{colour};" for name, colour in names.items())


_RULES: Final = """
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--text); font: 16px/1.55 var(--font); }
header, main, footer { max-width: 960px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 40px; }
h1 { font-size: 34px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 24px; line-height: 1.25; margin: 0 0 8px; letter-spacing: -0.005em; }
h3 { font-size: 16px; line-height: 1.35; margin: 0 0 6px; }
p { margin: 0 0 12px; overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: 3px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.subtitle { font-size: 19px; margin: 0 0 8px; }
.standing, footer, figcaption + *, details { color: var(--muted); }
.standing { font-size: 15px; margin: 0 0 28px; }
.banner { background: var(--wash); border-left: 4px solid var(--accent); padding: 8px 14px; margin: 0 0 24px; }
section { margin: 0 0 56px; }
#key-findings { border-top: 1px solid var(--line); padding-top: 24px; margin-bottom: 40px; }
.key { list-style: none; margin: 16px 0 0; padding: 0; display: grid; gap: 16px; }
.key li { background: var(--wash); border-left: 4px solid var(--accent); padding: 12px 18px; border-radius: 0 6px 6px 0; }
.key p { margin: 0; }
.key p + p { font-size: 18px; line-height: 1.45; }
.key .topic { font-size: 14px; font-weight: 600; margin-bottom: 2px; }
.finding { border-top: 1px solid var(--line); padding-top: 32px; }
.finding > h2 { font-size: 15px; color: var(--accent); margin: 0 0 6px; letter-spacing: 0; }
.headline { font-size: 22px; line-height: 1.4; font-weight: 600; margin-bottom: 28px; }
figure { margin: 0 0 32px; }
figcaption h3 { font-size: 17px; margin-bottom: 8px; }
.chart { width: 100%; }
details { font-size: 14px; margin-top: 4px; }
summary { cursor: pointer; width: fit-content; }
details p { margin: 6px 0 0; max-width: 52em; }
.scroll { overflow-x: auto; margin: 0 0 24px; }
table { border-collapse: collapse; width: 100%; font-size: 15px; font-variant-numeric: tabular-nums lining-nums; }
caption { text-align: left; font-weight: 600; padding: 0 0 8px; }
th, td { padding: 8px 10px; text-align: right; vertical-align: top; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-size: 14px; font-weight: 600; color: var(--muted); vertical-align: bottom; border-bottom: 2px solid var(--line); }
tbody th { font-weight: 600; }
th.left, td.left { text-align: left; overflow-wrap: break-word; }
tbody td:not(.left) { white-space: nowrap; }
.words { width: 38%; min-width: 15em; }
td small, th small { display: block; color: var(--muted); font-size: 13px; font-weight: 400; }
.notes ul { margin: 0; padding-left: 20px; color: var(--muted); font-size: 15px; }
.notes li { margin-bottom: 4px; overflow-wrap: anywhere; }
.notes .caution { color: var(--text); }
.kept[open] > summary { margin-bottom: 8px; }
.kept > summary { font-size: 15px; }
.notes .caution strong { color: var(--bad); }
#definitions, #making { border-top: 1px solid var(--line); padding-top: 32px; }
#making section { margin: 16px 0 24px; }
dl { margin: 0; font-size: 15px; display: grid; grid-template-columns: minmax(120px, 220px) 1fr; gap: 8px 24px; }
dt { font-weight: 600; }
dd { grid-column: 2; margin: 0; color: var(--muted); overflow-wrap: anywhere; }
footer { border-top: 1px solid var(--line); padding: 16px 24px 40px; font-size: 14px; }
@media screen and (max-width: 600px) {
  header, main, footer { padding-left: 16px; padding-right: 16px; }
  header { padding-top: 24px; }
  h1 { font-size: 27px; }
  h2 { font-size: 21px; }
  .headline { font-size: 19px; }
  .key p + p { font-size: 17px; }
  section { margin-bottom: 40px; }
  table, tbody, caption { display: block; }
  tbody tr { display: block; border-bottom: 1px solid var(--line); padding: 10px 0; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody th, tbody td, tbody td.left { border: 0; padding: 2px 0; }
  tbody th { display: block; font-size: 16px; }
  tbody td { display: flex; justify-content: space-between; gap: 16px; text-align: right; }
  tbody td:not(.left) { white-space: normal; }
  tbody td::before { content: attr(data-label); color: var(--muted); text-align: left; flex: 0 0 auto; max-width: 55%; }
  tbody td.words { display: block; width: auto; min-width: 0; text-align: left; }
  tbody td.words::before { display: block; max-width: none; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { grid-column: 1; margin-bottom: 12px; }
}
@page { size: A4; margin: 16mm; }
@media print {
  body { font-size: 11pt; }
  header, main, footer { max-width: none; padding: 0; }
  .finding, #definitions { break-before: page; border-top: 0; padding-top: 0; }
  figure, tr, .headline, .key li, dt, dd, #making section { break-inside: avoid; }
  h2, h3, caption, .headline, tbody tr:nth-child(-n+3) { break-after: avoid; }
  details:not(.kept), .kept > summary, .modebar-container, .modebar { display: none !important; }
  .kept::details-content { content-visibility: visible; block-size: auto; }
  h1 { font-size: 24pt; }
  .finding > h2 { font-size: 11pt; }
  .headline { font-size: 15pt; margin-bottom: 14pt; }
  figure { margin-bottom: 14pt; }
  .chart { min-height: 0 !important; }
  .key p + p { font-size: 13pt; }
  th, td { padding: 3pt 5pt; }
  .words { width: 42%; }
  .notes ul { font-size: 9.5pt; }
  dl { font-size: 9pt; gap: 3pt 14pt; }
  #making section { margin: 8pt 0 10pt; }
  footer { padding: 6pt 0 0; }
  .terms { display: block; columns: 3; column-gap: 16pt; font-size: 8pt; }
  .terms dt { break-after: avoid; }
  .terms dd { margin-bottom: 5pt; }
  .scroll { overflow: visible; break-inside: avoid; }
  table { font-size: 9pt; line-height: 1.35; }
  thead th, td small { font-size: 8pt; }
  thead { display: table-header-group; }
  .key li, .banner { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  a { color: inherit; text-decoration: none; }
}
"""
