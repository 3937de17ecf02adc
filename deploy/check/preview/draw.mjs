// node draw.mjs OUT.png [MINUTES]: draws the dashboard with the last MINUTES (15) of
// data of a Prometheus, or those before the Unix time TO.
import { existsSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';
import puppeteer from 'puppeteer-core';

const {
  DASHBOARD = '../../deploy/chart/files/dashboard.json', PROMETHEUS = 'http://127.0.0.1:9090', CHROMIUM = '/usr/bin/chromium', MODE = 'dark',
  TO = Math.floor(Date.now() / 1000),
} = process.env;
const [out = 'dashboard.png', minutes = '15'] = process.argv.slice(2);
const preview = {
  dashboard: JSON.parse(readFileSync(DASHBOARD)), prometheus: PROMETHEUS, from: TO - minutes * 60, to: Number(TO), width: 1600, mode: MODE,
};

const bundle = await build({
  entryPoints: ['page.jsx'], bundle: true, write: false, outdir: '.', format: 'esm', target: 'es2022', minify: true, logLevel: 'error',
  define: { 'process.env.NODE_ENV': '"production"', global: 'window' }, loader: { '.svg': 'dataurl', '.ttf': 'empty' },
});
const browser = await puppeteer.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-web-security', '--hide-scrollbars', '--force-device-scale-factor=1'] });
try {
  const page = await browser.newPage();
  page.on('pageerror', error => console.error(String(error)));
  page.on('console', message => message.type() === 'error' && console.error(message.text()));
  await page.setRequestInterception(true);
  page.on('request', request => {
    const file = request.url().replace(/^.*\/public\/(build\/)?/, 'node_modules/@grafana/ui/dist/public/')
      .replace(/^.*\/Inter-(Regular|Medium)\./, (_, weight) => `node_modules/@fontsource/inter/files/inter-latin-${weight === 'Medium' ? 500 : 400}-normal.`);
    if (existsSync(file)) request.respond({ contentType: file.endsWith('.svg') ? 'image/svg+xml' : 'font/woff2', body: readFileSync(file) });
    else request.continue();
  });
  await page.setViewport({ width: preview.width, height: 900 });
  await page.goto(PROMETHEUS + '/-/ready'); // its origin, so that requests are allowed
  await page.setContent('<!doctype html><body style="margin:0"><div id="root" style="position:relative"></div>');
  await page.evaluate(p => { window.preview = p; }, preview);
  for (const { path, text } of bundle.outputFiles) {
    if (path.endsWith('.css')) await page.addStyleTag({ content: text });
    else await page.addScriptTag({ content: text, type: 'module' });
  }
  await page.waitForFunction(() => window.empty);
  await page.waitForNetworkIdle();
  await page.evaluate(() => document.fonts.ready);
  console.log('no data:', (await page.evaluate(() => window.empty)).join(', ') || 'none');
  await page.screenshot({ path: out, fullPage: true });
} finally {
  await browser.close();
}
