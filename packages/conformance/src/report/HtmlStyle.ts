/** Style and script of the HTML report, inlined so that it works without a network. */
export const style = `
:root{color-scheme:light dark;font:15px/1.45 system-ui,sans-serif}
body{max-width:70rem;margin:1rem auto;padding:0 1rem}
h1 button{font:inherit;font-size:14px;vertical-align:middle}
.zh,:root.chinese .en{display:none}
:root.chinese .zh{display:inline}
pre{margin:.1rem 0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}
code{font-size:13px;overflow-wrap:anywhere}
mark{background:#f803;color:inherit;outline:1px solid #e70;border-radius:2px}
details.scenario{border-top:1px solid #8884;padding:.3rem 0}
summary{cursor:pointer;overflow-wrap:anywhere}
ul{padding-left:1.2rem;margin:.3rem 0}
li{margin:.3rem 0}
ul.counts{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0}
ul.counts li{margin:0}
.v{font-size:12px;padding:0 .4em;border-radius:.3em;background:#8883}
.pass{background:#2a23}
.pass-lenient,.warn{background:#da05}
.fail,.error,.not-testable{background:#d336}
.demand,.why,li p{margin:.2rem 0;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:6rem 1fr;gap:.2rem .6rem;margin:.3rem 0}
dt{opacity:.7}
dd{margin:0;min-width:0}
.wire div{display:grid;grid-template-columns:9rem 1fr;gap:.6rem;border-top:1px dotted #8886}
.wire pre{min-width:0}
.came pre{opacity:.85}
form{position:sticky;top:0;background:Canvas;padding:.4rem 0}
form label{white-space:nowrap}
@media (max-width:40rem){
body{margin:.5rem auto;padding:0 .6rem}
form{position:static}
ul{padding-left:.8rem}
dl,.wire div{grid-template-columns:1fr;gap:.1rem}
}
`

export const script = `
const boxes=[...document.querySelectorAll("input[type=checkbox]")],search=document.querySelector("input[type=search]")
const show=()=>{const on=new Set(boxes.filter(b=>b.checked).map(b=>b.name)),word=search.value.toLowerCase()
for(const one of document.querySelectorAll(".scenario"))one.hidden=!on.has(one.dataset.verdict)||!one.querySelector("summary").textContent.toLowerCase().includes(word)}
document.querySelector("form").addEventListener("input",show)
document.querySelector("form").addEventListener("submit",e=>e.preventDefault())
const root=document.documentElement,speak=chinese=>{root.classList.toggle("chinese",chinese);root.lang=chinese?"zh":"en"}
document.querySelector("#language").addEventListener("click",()=>speak(!root.classList.contains("chinese")))
speak(/^zh/i.test(navigator.language))
`
