//! Charts as inline SVG, drawn with plotters and made compact and responsive.
//!
//! Everything is drawn in design pixels (a full-width chart is 760 wide) on a grid four times finer, because plotters
//! rounds to whole units. Colours leave as classes, so that style.css alone decides what they look like on screen, in
//! the dark and on paper.

pub(crate) mod accuracy;
pub(crate) mod axis;
pub(crate) mod calibration;
pub(crate) mod canvas;
mod compact;
pub(crate) mod drift;
pub(crate) mod latency;
pub(crate) mod lines;
pub(crate) mod palette;
pub(crate) mod volume;

/// Width of a chart that has the whole column.
pub(crate) const FULL: u32 = 760;
/// Width of one of two charts side by side.
pub(crate) const HALF: u32 = 380;
