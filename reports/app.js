// The page reads well without this: it only filters and sorts the table of codes.
(() => {
  const table = document.getElementById('code-table');
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows];
  const comma = document.documentElement.lang === 'fr';
  const plain = (s) => s.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase();
  const text = rows.map((r) => plain(r.cells[0].textContent + ' ' + r.cells[1].textContent));
  const input = document.getElementById('filter'), shown = document.getElementById('shown');
  const filter = () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    let n = 0;
    rows.forEach((r, i) => {
      const keep = words.every((w) => text[i].includes(w));
      r.hidden = !keep;
      n += keep;
    });
    shown.textContent = words.length ? n + ' / ' + rows.length : '';
  };
  input.closest('.filter').hidden = false;
  input.addEventListener('input', filter);
  const number = (cell) => {
    if (!cell || !cell.firstChild) return -1;
    let s = cell.firstChild.data || '';
    s = comma ? s.replace(/[^\d,]/g, '').replace(',', '.') : s.replace(/[^\d.]/g, '');
    return s === '' ? -1 : parseFloat(s);
  };
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    // not a button: Chromium leaves buttons out of the header that it repeats on printed pages
    head.tabIndex = 0;
    head.classList.add('sorts');
    const sort = () => {
      const down = head.getAttribute('aria-sort') ? head.getAttribute('aria-sort') === 'ascending' : column > 1;
      heads.forEach((h) => h.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const key = (r) => (column < 2 ? r.cells[column].textContent : number(r.cells[column]));
      const keyed = rows.map((r) => [key(r), r]);
      keyed.sort(([a], [b]) => {
        if (column > 1 && (a < 0) !== (b < 0)) return a < 0 ? 1 : -1;
        const order = column < 2 ? a.localeCompare(b) : a - b;
        return down ? -order : order;
      });
      body.append(...keyed.map(([, r]) => r));
    };
    head.addEventListener('click', sort);
    head.addEventListener('keydown', (e) => {
      if (e.key !== 'Enter' && e.key !== ' ') return;
      e.preventDefault();
      sort();
    });
  });
})();
