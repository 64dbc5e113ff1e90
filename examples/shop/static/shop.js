import * as udi from "/udi/page.js";

const notice = document.querySelector(".notice");
const { app, purchases } = document.body.dataset;

const acts = {
  async signIn() {
    await udi.signIn(app);
    location.reload();
  },
  async signOut() {
    await udi.signOut();
    location.reload();
  },
};

function say(text, bad = false) {
  notice.textContent = text;
  notice.classList.toggle("bad", bad);
  notice.hidden = false;
}

for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await acts[button.dataset.do]();
    } catch (error) {
      say(error.message, true);
    } finally {
      button.disabled = false;
    }
  });
}
