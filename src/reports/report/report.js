// Optional behaviour of a report: tooltips, selection of classes, a line from a point to its counterpart, the other theme.
// It reads attributes and writes text content, never markup.

const root = document.documentElement;
const theme = document.querySelector('.theme');
theme.hidden = false;
theme.addEventListener('click', () => {
  const dark = root.dataset.theme
    ? root.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
});

const tip = document.createElement('div');
tip.className = 'tip';
tip.setAttribute('role', 'status');
document.body.append(tip);
const show = (label, x, y) => {
  tip.textContent = label;
  tip.classList.add('shown');
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(6, Math.min(innerWidth - box.width - 6, x + 14))}px`;
  tip.style.top = `${y + 20 + box.height > innerHeight ? y - box.height - 12 : y + 16}px`;
};
const isText = (use) => use.getAttribute('href') === '#tri';
const nameOf = (use) => `${isText(use) ? 'text' : 'image'} ${use.dataset.r} · ${use.parentNode.dataset.name}`;
document.addEventListener('pointermove', (event) => {
  const use = event.target.closest ? event.target.closest('use') : null;
  const target = event.target.closest ? event.target.closest('[data-tip]') : null;
  if (use) show(nameOf(use), event.clientX, event.clientY);
  else if (target) show(target.dataset.tip, event.clientX, event.clientY);
  else tip.classList.remove('shown');
});

const at = (use) => `${use.getAttribute('x')} ${use.getAttribute('y')}`;
const SVG = 'http://www.w3.org/2000/svg';
for (const set of document.querySelectorAll('.map-set')) {
  const points = [...set.querySelectorAll('use')];
  const groups = [...set.querySelectorAll('g[data-class], .names text')];
  const chips = [...set.querySelectorAll('button.chip')];
  const refresh = () => {
    const on = new Set(
      chips.filter((chip) => chip.getAttribute('aria-pressed') === 'true').map((chip) => chip.dataset.class),
    );
    set.classList.toggle('some', on.size > 0);
    for (const one of groups) one.classList.toggle('on', on.has(one.dataset.class));
  };
  for (const chip of chips) {
    chip.addEventListener('click', () => {
      chip.setAttribute('aria-pressed', String(chip.getAttribute('aria-pressed') !== 'true'));
      refresh();
    });
  }

  const clear = () => {
    for (const one of set.querySelectorAll('.hot')) one.classList.remove('hot');
    for (const one of set.querySelectorAll('.link')) one.remove();
  };
  set.addEventListener('pointerover', (event) => {
    clear();
    const point = event.target.closest('use');
    if (!point) return;
    for (const map of set.querySelectorAll('svg')) {
      const inMap = points.filter((one) => map.contains(one));
      const here = inMap.find((one) => isText(one) === isText(point) && one.dataset.r === point.dataset.r);
      if (!here) continue;
      here.classList.add('hot');
      for (const one of inMap) {
        if (isText(one) === isText(point) || !point.dataset.p || one.dataset.p !== point.dataset.p) continue;
        one.classList.add('hot');
        const line = document.createElementNS(SVG, 'path');
        line.setAttribute('class', 'link');
        line.setAttribute('d', `M${at(here)}L${at(one)}`);
        map.append(line);
      }
    }
  });
  set.addEventListener('pointerleave', clear);
}
