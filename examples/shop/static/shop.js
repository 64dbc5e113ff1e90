import * as udi from "/udi/page.js";

const { app, purchases, other, keep } = document.body.dataset;
const [notice, dialog] = [document.querySelector(".notice"), document.querySelector("dialog")];
let offer = null;

const acts = {
  async signIn() {
    await udi.signIn(app);
    // What another application asked for goes on once it is known who is asked.
    location.hash = sessionStorage.getItem("asked") ?? "";
    sessionStorage.removeItem("asked");
    location.reload();
  },
  async signOut() {
    await udi.signOut();
    location.reload();
  },
  async show() {
    location.href = await udi.bringTo(purchases);
  },
  async go() {
    location.href = await udi.bringTo(other);
  },
  async bring() {
    location.href = await udi.askMove(other, keep);
  },
  async accept() {
    location.href = await offer.accept();
  },
  async refuse() {
    dialog.close();
  },
  async revoke({ grant }) {
    await udi.takeBack(grant);
    location.reload();
  },
  async take() {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await udi.takeOut()), download: "export.udi.zip" });
    link.click();
    say("Everything is in export.udi.zip. Open README.html in it.");
  },
  async erase() {
    const receipt = await udi.erase(app);
    for (const each of document.querySelectorAll("#orders, #given, .goods form")) each.remove();
    say("Erased: the key is gone, and nobody can read it any more. The vault signed this receipt:", { receipt });
  },
};

function say(text, { bad = false, receipt = null } = {}) {
  notice.textContent = text;
  if (receipt !== null) notice.append(Object.assign(document.createElement("pre"), { textContent: JSON.stringify(receipt, null, 1) }));
  notice.classList.toggle("bad", bad);
  notice.hidden = false;
  notice.scrollIntoView({ block: "center" });
}

/** What a move that has just ended brought, with the receipt that both vaults signed. */
function moved() {
  const report = JSON.parse(sessionStorage.getItem("moved"));
  sessionStorage.removeItem("moved");
  if (report === null) return;
  const { count, dup } = report.transfer;
  say(`${count} came, ${dup} were here already. The other shop erases its own in three days. Both signed this receipt:`, { receipt: report.receipt });
}

async function run(act, ...given) {
  try {
    await act(...given);
  } catch (error) {
    say(error.message, { bad: true });
  }
}

for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    await run(acts[button.dataset.do], button.dataset);
    button.disabled = false;
  });
}

if (location.hash.startsWith("#offer=") && document.querySelector('[data-do="signIn"]')) {
  sessionStorage.setItem("asked", location.hash);
  say("Sign in first: somebody asks for your orders.");
} else {
  await run(async () => {
    const arrived = await udi.arrive();
    if (typeof arrived !== "object" || arrived === null) return moved();
    if ("report" in arrived) {
      say("Everything that is yours there is on its way here…");
      sessionStorage.setItem("moved", JSON.stringify(await arrived.report()));
      location.reload();
      return;
    }
    offer = arrived;
    dialog.querySelector("pre").textContent = offer.text;
    dialog.showModal();
  });
}
