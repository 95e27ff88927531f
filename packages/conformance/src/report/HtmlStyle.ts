/** Style and script of the HTML report, inlined so that it works without a network. */
export const style = `
:root{color-scheme:light dark;font:15px/1.45 system-ui,sans-serif}
body{max-width:70rem;margin:1rem auto;padding:0 1rem}
pre{margin:.1rem 0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}
code{font-size:13px}
details.scenario{border-top:1px solid #8884;padding:.3rem 0}
summary{cursor:pointer}
ul{padding-left:1.2rem}
li{margin:.3rem 0}
.v{font-size:12px;padding:0 .4em;border-radius:.3em;background:#8883}
.pass{background:#2a23}
.pass-lenient,.warn{background:#da05}
.fail,.error,.not-testable{background:#d336}
.demand,.why,li p{margin:.2rem 0}
dl{display:grid;grid-template-columns:9rem 1fr;gap:.2rem .6rem;margin:.3rem 0}
dd{margin:0}
.wire div{display:grid;grid-template-columns:9rem 1fr;gap:.6rem;border-top:1px dotted #8886}
.came pre{opacity:.85}
td{padding-right:1.2rem}
form{position:sticky;top:0;background:Canvas;padding:.4rem 0}
`

export const script = `
const boxes=[...document.querySelectorAll("input[type=checkbox]")],search=document.querySelector("input[type=search]")
const show=()=>{const on=new Set(boxes.filter(b=>b.checked).map(b=>b.name)),word=search.value.toLowerCase()
for(const one of document.querySelectorAll(".scenario"))one.hidden=!on.has(one.dataset.verdict)||!one.querySelector("summary").textContent.toLowerCase().includes(word)}
document.querySelector("form").addEventListener("input",show)
document.querySelector("form").addEventListener("submit",e=>e.preventDefault())
`
