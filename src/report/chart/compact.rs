//! From plotters' SVG to what a page needs: a viewBox instead of a size, classes instead of colours, no repetition.

use std::fmt::Write as _;

/// Rewrites `svg`, naming it `title` for those who cannot see it.
pub(super) fn compact(svg: &str, title: &str, width: u32, height: u32) -> String {
    let mut out = String::with_capacity(svg.len() / 2);
    let _ = write!(out, "<svg viewBox=\"0 0 {width} {height}\" role=\"img\"><title>{}</title>", escape(title));
    let mut text = false;
    for line in svg.lines() {
        if line.starts_with("<svg ") {
            continue;
        }
        if line == "</text>" {
            text = false;
            out.push_str(line);
        } else if text {
            // plotters has escaped the words already
            out.push_str(line);
        } else if line.starts_with('<') {
            text = line.starts_with("<text ");
            element(line, &mut out);
        }
    }
    out
}

/// Escapes a text for an element or a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// Rewrites one tag, attribute by attribute; no attribute of a chart holds words of a user.
fn element(line: &str, out: &mut String) {
    let Some((name, mut rest)) = line.split_once(' ') else {
        out.push_str(line);
        return;
    };
    out.push_str(name);
    while let Some((key, tail)) = rest.split_once("=\"") {
        let Some((value, tail)) = tail.split_once('"') else { break };
        attribute(name, key, value.trim(), out);
        rest = tail.trim_start();
    }
    out.push_str(if line.ends_with("/>") { "/>" } else { ">" });
}

fn attribute(name: &str, key: &str, value: &str, out: &mut String) {
    match (key, value) {
        ("opacity", "1") | ("stroke" | "fill", "none") | ("font-family", _) | ("text-anchor", "start") => {}
        ("stroke-width", _) if name == "<circle" => {}
        ("stroke" | "fill", colour) => {
            let index = colour.strip_prefix('#').and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0);
            let _ = write!(out, " class=\"{}{index}\"", &key[..1]);
        }
        _ => {
            let _ = write!(out, " {key}=\"{value}\"");
        }
    }
}
