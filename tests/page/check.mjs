// Looks at a page in Chromium and says what it found, as one object of JSON on stdout: node check.mjs BROWSER URL FOLDER GUARDED_URL TOKEN
// Screenshots go to FOLDER. Nothing is judged here; tests/e2e/cli/page.rs does that.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const [browserPath, url, folder, guarded, token] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const own = new URL(url).origin;
const found = { views: [] };

const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-proxy-server'] });
try {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [400, 1280]) {
      for (const javaScriptEnabled of width === 400 ? [true] : [true, false]) {
        const context = await browser.newContext({ colorScheme, javaScriptEnabled, viewport: { width, height: 900 } });
        const page = await context.newPage();
        const view = { colorScheme, width, javaScriptEnabled, problems: [], elsewhere: [] };
        page.on('console', (message) => {
          if (['error', 'warning'].includes(message.type())) view.problems.push(message.text());
        });
        page.on('pageerror', (error) => view.problems.push(String(error)));
        page.on('request', (request) => {
          if (!request.url().startsWith(own) && !request.url().startsWith('data:')) view.elsewhere.push(request.url());
        });
        await page.goto(url, { waitUntil: 'load' });
        const name = `${colorScheme}-${width}${javaScriptEnabled ? '' : '-no-script'}`;
        await page.locator('details[data-family=jobs_total]').evaluate((details) => { details.open = true; }).catch(() => {});
        await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
        view.families = await page.locator('#family-rows > tr').count();
        view.overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        view.ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        view.text = await page.locator('body').innerText();
        if (javaScriptEnabled) {
          // Through the DevTools protocol, which the page's policy does not bind.
          await page.evaluate(axe);
          const report = await page.evaluate(() => axe.run());
          view.violations = report.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html.slice(0, 200)).join(' | ')}`);
          view.passes = report.passes.length;
        }
        // With scripts the list follows what is typed; without, it needs Enter.
        await page.locator('input[type=search]').fill('JOBS_TOT');
        if (!javaScriptEnabled) await page.locator('input[type=search]').press('Enter');
        await page.waitForURL(`${own}/?q=JOBS_TOT`);
        await page.getByText('Show all').waitFor({ timeout: 15000 });
        view.filtered = await page.locator('#family-rows > tr').count();
        found.views.push(view);
        await context.close();
      }
    }
  }
  // What somebody records while the page is open shows up by itself.
  const page = await browser.newPage();
  await page.goto(url);
  await page.locator('details[data-family=jobs_total]').evaluate((details) => { details.open = true; });
  await fetch(`${own}/process`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ctx: { operation: 'record_counter', metric_name: 'while_open_total', metric_value: 1 } }),
  });
  await page.getByText('while_open_total').first().waitFor({ timeout: 15000 });
  found.kept_open = await page.locator('details[open]').count();
  await page.getByRole('button', { name: 'Check health' }).click();
  await page.waitForURL(`${own}/`);
  found.asked = await page.locator('#health').innerText();
  // A server with a token: without it nothing, and with it as the password the page works, its form too.
  found.refused = (await fetch(guarded)).status;
  const context = await browser.newContext({ httpCredentials: { username: 'me', password: token } });
  const allowed = await context.newPage();
  found.allowed = (await allowed.goto(guarded)).status();
  await allowed.getByRole('button', { name: 'Check health' }).click();
  await allowed.getByText(/^Checked /).waitFor({ timeout: 15000 });
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
