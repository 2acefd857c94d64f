// Contrast of every text that is shown with what lies behind it.
(selector) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (c) => {
    const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    const layers = [];
    for (let one = e; one; one = one.parentElement) {
      let color = getComputedStyle(one).backgroundColor;
      // A text in a drawing stands on the rectangle before it in its group.
      if (one.tagName === "g") { const rect = one.querySelector("rect"); if (rect) color = getComputedStyle(rect).fill; }
      const found = parse(color);
      if (found[3] > 0) layers.push(found);
      if (found[3] === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const found = [];
  const walk = document.createTreeWalker(document.querySelector(selector ?? "body"), NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || e.closest("script, style, .sr, .skip, title, symbol") || !e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    const under = ground(e);
    const color = over(parse(e.namespaceURI.endsWith("svg") ? style.fill : style.color), under);
    const [a, b] = [light(color), light(under)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([Math.round(ratio * 100) / 100, node.data.trim().slice(0, 40), style.color, under.join(",")]);
  }
  return found;
}
