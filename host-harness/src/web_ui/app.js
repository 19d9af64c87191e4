// Optional enhancements: periodic refresh, and a filter that follows what is typed.
'use strict';

const INTERVAL_MS = 5000;
const TYPING_MS = 200;
const PARTS = ['facts', 'family-list', 'events', 'health'];

const filter = document.querySelector('input[type=search]');
let typing;
// Only the response to the last request is shown.
let latest = 0;

function open() {
  return new Set([...document.querySelectorAll('details[open]')].map((details) => details.dataset.family));
}

async function refresh() {
  const request = ++latest;
  const response = await fetch(location.href, { cache: 'no-store' });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  if (request !== latest) return;
  const opened = open();
  for (const id of PARTS) document.getElementById(id)?.replaceWith(fresh.getElementById(id) ?? '');
  for (const details of document.querySelectorAll('details')) details.open = opened.has(details.dataset.family);
}

filter?.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    const text = filter.value.trim();
    history.replaceState(null, '', text ? `/?${new URLSearchParams({ q: text })}` : '/');
    refresh().catch(() => {});
  }, TYPING_MS);
});

// If the server is unreachable, retry at the next interval. Do not refresh a hidden tab or during
// an interaction.
setInterval(() => {
  if (!document.hidden && !document.activeElement?.closest('main button, main summary, main a')) refresh().catch(() => {});
}, INTERVAL_MS);
