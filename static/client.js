// Draws the scores of the table as steps over time. The colours are those of the style sheet, light or dark.
const place = document.getElementById("chart");
const reading = document.getElementById("reading");
const rows = [...document.querySelectorAll("#scores tbody tr")].reverse();
const known = rows.filter((row) => row.dataset.seconds);
const number = (row, name) => (row.dataset[name] ? Number(row.dataset[name]) : null);
const colour = (selector) => () => getComputedStyle(document.querySelector(selector)).color;
const line = colour(".key .line");
const limit = colour(".key .limit");
const text = colour("#chart");
const faint = () => getComputedStyle(place).borderTopColor;
const font = () => `13px ${getComputedStyle(place).fontFamily}`;
const size = () => ({ width: place.clientWidth, height: place.clientWidth < 500 ? 200 : 260 });
const said = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
const [time, day, month] = [
  said({ hour: "2-digit", minute: "2-digit" }),
  said({ day: "numeric", month: "short" }),
  said({ month: "short", year: "numeric" }),
];
const DAY = 86400;
const stepped = uPlot.paths.stepped({ align: 1 });

// Places on the time axis, `apart` seconds from one another.
function moments(_chart, places, _axis, _space, apart) {
  return places.map((place) => {
    const at = new Date(place * 1000);
    if (apart >= 28 * DAY) return month.format(at);
    return apart >= DAY ? day.format(at) : `${time.format(at)}\n${day.format(at)}`;
  });
}

const axis = { stroke: text, font: font(), grid: { stroke: faint, width: 1 }, ticks: { stroke: faint, width: 1 } };

place.replaceChildren();
const chart = new uPlot(
  {
    ...size(),
    padding: [10, 12, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: { y: { range: [0, 100] } },
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    series: [
      {},
      { stroke: line, width: 2, paths: stepped, points: { show: known.length <= 60, size: 7, fill: line } },
      { stroke: limit, width: 1.5, dash: [6, 4], paths: stepped, points: { show: false } },
    ],
    axes: [
      { ...axis, space: 80, values: moments },
      { ...axis, size: 48, values: (_chart, values) => values.map((value) => `${value}%`) },
    ],
    hooks: {
      setCursor: [(drawn) => { reading.textContent = drawn.cursor.idx == null ? "" : known[drawn.cursor.idx].dataset.words; }],
    },
  },
  [
    known.map((row) => number(row, "seconds")),
    known.map((row) => 100 * number(row, "score")),
    known.map((row) => 100 * number(row, "cutoff")),
  ],
  place,
);

new ResizeObserver(() => chart.setSize(size())).observe(place);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw(false));
