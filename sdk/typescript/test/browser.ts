/**
 * A person at a running vault, in a real browser: `node dist/test/browser.js VAULT PORT`. The page lies on this machine at PORT,
 * which the vault allows; its wallet is a test key behind EIP-1193. Prints what the page shows.
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, normalize } from "node:path";
import { chromium } from "playwright-core";
import { TestWallet } from "./provider.js";

const ROOT = new URL("../../", import.meta.url);
const TYPES: Readonly<Record<string, string>> = { ".js": "text/javascript", ".html": "text/html; charset=utf-8" };
const [vault = "", port = ""] = process.argv.slice(2);

const server = createServer((request, response) => {
  const path = normalize(new URL(request.url ?? "/", "http://page").pathname);
  const type = TYPES[extname(path)];
  readFile(new URL(`.${path}`, ROOT)).then(
    (bytes) => response.writeHead(200, type === undefined ? {} : { "Content-Type": type }).end(bytes),
    () => response.writeHead(404).end(),
  );
}).listen(Number(port), "127.0.0.1");

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  const wallet = new TestWallet(`0x${"32".repeat(32)}`);
  page.on("pageerror", (error) => console.error(error));
  await page.exposeFunction("testWallet", (ask: { method: string; params?: unknown[] }) => wallet.request(ask));
  await page.addInitScript("window.ethereum = { request: (ask) => window.testWallet(ask) };");
  await page.goto(`http://127.0.0.1:${port}/test/page.html?vault=${encodeURIComponent(vault)}`);
  await page.click("#begin");
  await page.waitForFunction("document.querySelector('#account').value !== ''", undefined, { timeout: 20_000 });
  console.log(JSON.stringify({ shown: await page.inputValue("#account").catch(() => page.textContent("#account")), asked: wallet.asked }));
} finally {
  await browser.close();
  server.close();
}
