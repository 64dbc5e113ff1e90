import * as udi from "/udi/page.js";

const { app, purchases } = document.body.dataset;
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
    say("Erased: the key is gone, and nobody can read it any more. The vault signed this receipt:");
    notice.append(Object.assign(document.createElement("pre"), { textContent: JSON.stringify(receipt, null, 1) }));
  },
};

function say(text, bad = false) {
  notice.textContent = text;
  notice.classList.toggle("bad", bad);
  notice.hidden = false;
  notice.scrollIntoView({ block: "center" });
}

async function run(act, ...given) {
  try {
    await act(...given);
  } catch (error) {
    say(error.message, true);
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
    if (typeof arrived !== "object" || arrived === null) return;
    offer = arrived;
    dialog.querySelector("pre").textContent = offer.text;
    dialog.showModal();
  });
}
