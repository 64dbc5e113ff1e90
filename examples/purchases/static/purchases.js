import * as udi from "/udi/page.js";

const { app, shop, type, purpose } = document.body.dataset;
const notice = document.querySelector(".notice");

const acts = {
  async signIn() {
    await udi.signIn(app);
    location.reload();
  },
  async signOut() {
    await udi.signOut();
    location.reload();
  },
  async ask() {
    location.href = await udi.askAt(shop, type, purpose);
  },
  async take() {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await udi.takeOut()), download: "export.udi.zip" });
    link.click();
    say("Everything is in export.udi.zip. Open README.html in it.");
  },
  async erase() {
    const receipt = await udi.erase(app);
    for (const each of document.querySelectorAll("section")) each.remove();
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

async function run(act) {
  try {
    await act();
  } catch (error) {
    say(error.message, true);
  }
}

for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    await run(acts[button.dataset.do]);
    button.disabled = false;
  });
}

await run(async () => {
  const arrived = await udi.arrive();
  if (arrived === "account") say("Your account came along. Sign in with the same wallet.");
  if (arrived === "grant") location.reload();
});

// What is bought elsewhere appears here at once, without a click.
const list = document.querySelector("#all");
if (list) {
  setInterval(async () => {
    const answer = await fetch("/all");
    if (answer.ok) list.innerHTML = await answer.text();
  }, 500);
}
