import * as udi from "/udi/page.js";

const door = document.querySelector("[data-in]");
const save = (blob) => Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: "export.udi.zip" }).click();
const nobody = { "Sign in with your wallet": () => udi.signIn("guestbook") };
const somebody = { "Sign out": () => udi.signOut(), "Take out": async () => save(await udi.takeOut()), "Erase all": () => udi.erase("guestbook") };

if (!door.dataset.in) document.querySelector("form").remove();
for (const [name, act] of Object.entries(door.dataset.in ? somebody : nobody)) {
  const button = Object.assign(document.createElement("button"), { textContent: name });
  button.onclick = () => act().then(() => name === "Take out" || location.reload(), (error) => door.append(` ${error.message}`));
  door.append(button, " ");
}
