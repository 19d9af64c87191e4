// Optional enhancements: periodic refresh and a filter for families.
'use strict';

const INTERVAL_MS = 5000;
const PARTS = ['facts', 'family-rows', 'events', 'health'];

const filter = document.createElement('input');
filter.type = 'search';
filter.placeholder = 'Filter by name or label';
filter.setAttribute('aria-label', 'Filter the families by name or label');
filter.addEventListener('input', apply);

function apply() {
  const wanted = filter.value.trim().toLowerCase();
  for (const row of document.querySelectorAll('#family-rows > tr')) {
    row.hidden = wanted !== '' && !row.cells[0].textContent.toLowerCase().includes(wanted);
  }
}

function open() {
  return new Set([...document.querySelectorAll('details[open]')].map((details) => details.dataset.family));
}

async function refresh() {
  // Do not refresh a hidden tab or during an interaction.
  if (document.hidden || document.activeElement?.closest('main button, main summary')) return;
  const response = await fetch('/', { cache: 'no-store' });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  const opened = open();
  const parts = PARTS.map((id) => [document.getElementById(id), fresh.getElementById(id)]);
  // The first family adds the table: reload.
  if (parts.some(([old, next]) => Boolean(old) !== Boolean(next))) {
    location.reload();
    return;
  }
  for (const [old, next] of parts) {
    if (old && next) old.replaceWith(next);
  }
  for (const details of document.querySelectorAll('details')) details.open = opened.has(details.dataset.family);
  apply();
}

document.getElementById('filter-place')?.append(filter);
// If the server is unreachable, retry at the next interval.
setInterval(() => refresh().catch(() => {}), INTERVAL_MS);
