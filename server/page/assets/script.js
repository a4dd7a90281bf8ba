"use strict";
// What the page does beyond its form: pictures that are dropped, pasted or chosen are sent one
// by one, and each one's classes are shown as soon as they are there. The HTML of results is
// the server's.

const form = document.getElementById("form");
const atOnce = 4; // pictures that are under way

if (form) {
	const input = document.getElementById("pictures");
	const list = document.getElementById("list");
	const results = document.getElementById("results");
	const status = document.getElementById("status");
	const waiting = [];
	let running = 0, done = 0, asked = 0;

	document.getElementById("more").hidden = false;

	const say = (text) => { status.textContent = text; };
	const pictures = (n) => n === 1 ? "1 picture" : n + " pictures";

	// placeholder is what stands for a picture until its classes are there.
	const placeholder = (file) => {
		const item = document.createElement("li");
		item.className = "result";
		item.setAttribute("aria-busy", "true");
		const preview = document.createElement("img");
		preview.alt = "";
		preview.src = URL.createObjectURL(file);
		preview.onload = () => URL.revokeObjectURL(preview.src);
		preview.onerror = () => {
			URL.revokeObjectURL(preview.src);
			const nothing = document.createElement("div");
			nothing.className = "nothing";
			preview.replaceWith(nothing);
		};
		const about = document.createElement("div");
		about.className = "about";
		const name = document.createElement("h3");
		name.textContent = file.name;
		const note = document.createElement("p");
		note.className = "soft";
		note.textContent = "Waiting …";
		about.append(name, note);
		item.append(preview, about);
		return { item, note };
	};

	const failed = (place, file, why) => {
		place.note.className = "error";
		place.note.textContent = why;
		place.item.removeAttribute("aria-busy");
		return file.name + " was not classified: " + why;
	};

	const classify = async ({ file, place, model, top }) => {
		place.note.textContent = "Classifying …";
		const body = new FormData();
		body.append("model", model);
		body.append("top", top);
		body.append("picture", file, file.name);
		let answer, text;
		try {
			answer = await fetch("results", { method: "POST", body });
			text = await answer.text();
		} catch (error) {
			return failed(place, file, "the server does not answer (" + error.message + ")");
		}
		const html = new DOMParser().parseFromString("<ol>" + text + "</ol>", "text/html");
		const item = html.querySelector("li");
		if (!item) {
			let why = answer.status + " " + answer.statusText;
			try { why = JSON.parse(text).error; } catch { /* no answer of this server */ }
			return failed(place, file, why);
		}
		showCopy(item);
		place.item.replaceWith(item);
		return item.dataset.said;
	};

	const next = async () => {
		while (running < atOnce && waiting.length > 0) {
			const picture = waiting.shift();
			running++;
			classify(picture).then((said) => {
				running--;
				done++;
				say(done < asked ? done + " of " + pictures(asked) + " done. " + said : said + (asked > 1 ? ". All " + pictures(asked) + " done." : ""));
				if (done === asked) done = asked = 0;
				next();
			});
		}
	};

	const take = (files) => {
		if (files.length === 0) return;
		const data = new FormData(form);
		results.hidden = false;
		const first = list.firstChild;
		for (const file of files) {
			const place = placeholder(file);
			list.insertBefore(place.item, first);
			waiting.push({ file, place, model: data.get("model"), top: data.get("top") });
			asked++;
		}
		say("Classifying " + pictures(asked) + " …");
		next();
	};

	form.addEventListener("submit", (event) => {
		event.preventDefault();
		take([...input.files]);
	});
	input.addEventListener("change", () => {
		if (input.files.length > 0 && form.reportValidity()) take([...input.files]);
	});

	// Files that are dragged over the page may be dropped anywhere on it.
	let over = 0;
	const holdsFiles = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
	const dropping = (on) => document.body.classList.toggle("dropping", on);
	document.addEventListener("dragenter", (event) => { if (holdsFiles(event)) { over++; dropping(true); } });
	document.addEventListener("dragleave", (event) => { if (holdsFiles(event) && --over <= 0) { over = 0; dropping(false); } });
	document.addEventListener("dragover", (event) => { if (holdsFiles(event)) event.preventDefault(); });
	document.addEventListener("drop", (event) => {
		if (!holdsFiles(event)) return;
		event.preventDefault();
		over = 0;
		dropping(false);
		take([...event.dataTransfer.files]);
	});
	document.addEventListener("paste", (event) => {
		const files = [...(event.clipboardData ? event.clipboardData.files : [])];
		if (files.length > 0) {
			event.preventDefault();
			take(files);
		}
	});

	// The card of the model that is chosen stands out.
	const model = document.getElementById("model");
	if (model) {
		const mark = () => document.querySelectorAll(".card").forEach((card) => card.classList.toggle("chosen", card.dataset.model === model.value));
		model.addEventListener("change", mark);
		mark();
	}
}

function showCopy(within) {
	within.querySelectorAll(".copy").forEach((button) => { button.hidden = false; });
}

// copy puts a text into the clipboard; pages that came without TLS have only the old way.
async function copy(code) {
	try {
		await navigator.clipboard.writeText(code.textContent);
		return true;
	} catch {
		getSelection().selectAllChildren(code);
		return document.execCommand("copy");
	}
}

showCopy(document);
document.addEventListener("click", async (event) => {
	const button = event.target.closest(".copy");
	if (!button) return;
	const word = button.firstChild;
	word.textContent = await copy(button.parentElement.querySelector("code")) ? "Copied" : "Not copied";
	setTimeout(() => { word.textContent = "Copy"; }, 2000);
});
