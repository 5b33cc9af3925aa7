//! The use of a token by day, drawn. Numbers are attributes of the SVG, colours are the sheet's: nothing is inline.

use maud::{Markup, html};
use registry::ActiveDay;

use super::wording;

/// The line of a table: its height. A day is one wide, and the sheet stretches it.
const LINE_HEIGHT: i64 = 24;
/// The bars of the details: their height, and the width of one day, which has two of them.
const BARS_HEIGHT: i64 = 100;
const BARS_DAY: usize = 10;
const BAR: usize = 4;

/// A small line of pulls and pushes together; nothing is drawn where nothing happened.
pub(super) fn line(days: &[ActiveDay]) -> Markup {
    let used: Vec<_> = days.iter().map(|day| day.pulls + day.pushes).collect();
    let most = used.iter().copied().max().unwrap_or_default();
    if most == 0 {
        return html! { span.quiet.small { "none" } };
    }
    let height = |count: &i64| LINE_HEIGHT - 1 - share(*count, most, LINE_HEIGHT - 2);
    let heights: Vec<_> = used.iter().map(height).collect();
    let first = heights.first().copied().unwrap_or_default();
    // From day to day, not from the corner: a table has many of these lines, and they are its longest text.
    let steps: Vec<_> =
        heights.iter().zip(heights.iter().skip(1)).map(|(from, to)| format!("1 {}", to - from)).collect();
    let (width, told) = (steps.len(), format!("{} in {} days", wording::counts(days), days.len()));
    html! {
        svg.spark viewBox=(format!("0 0 {width} {LINE_HEIGHT}")) preserveAspectRatio="none" role="img" {
            title { (told) }
            path d=(format!("M0 {first}l{}", steps.join(" "))) {}
        }
    }
}

/// `count` of `most`, as part of `height`.
fn share(count: i64, most: i64, height: i64) -> i64 {
    // Counts are added up over years; a product of two of them may not fit.
    i64::try_from(i128::from(count) * i128::from(height) / i128::from(most.max(1))).unwrap_or(height)
}

/// Pulls and pushes by day as bars, with a table that says the same.
pub(super) fn bars(days: &[ActiveDay]) -> Markup {
    let most = days.iter().map(|day| day.pulls.max(day.pushes)).max().unwrap_or_default();
    if most == 0 {
        return html! { p.quiet { "No pulls and no pushes in the last " (days.len()) " days." } };
    }
    let width = days.len() * BARS_DAY;
    let told = format!("{} in the last {} days; at most {most} a day", wording::counts(days), days.len());
    html! {
        svg.plot viewBox=(format!("0 0 {width} {BARS_HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(told) {
            @for (place, day) in days.iter().enumerate() {
                g {
                    title { (day.day) ": " (wording::counts(std::slice::from_ref(day))) }
                    // All of the day's height is pointed at, however low its bars are.
                    rect.day x=(place * BARS_DAY) y="0" width=(BARS_DAY) height=(BARS_HEIGHT) {}
                    (bar("pulls", place * BARS_DAY + 1, share(day.pulls, most, BARS_HEIGHT)))
                    (bar("pushes", place * BARS_DAY + 1 + BAR, share(day.pushes, most, BARS_HEIGHT)))
                }
            }
            line.axis x1="0" x2=(width) y1=(BARS_HEIGHT) y2=(BARS_HEIGHT) {}
        }
        @if let [first, .., last] = days { .days { span { (first.day) } span { (last.day) } } }
        .legend {
            span { span.key.pulls {} "Pulls" }
            span { span.key.pushes {} "Pushes" }
            span { (told) }
        }
        (as_table(days))
    }
}

fn bar(class: &str, left: usize, height: i64) -> Markup {
    html! { rect class=(class) x=(left) y=(BARS_HEIGHT - height) width=(BAR) height=(height) {} }
}

/// The bars for whoever doesn't see them; days without use say nothing.
fn as_table(days: &[ActiveDay]) -> Markup {
    html! {
        details {
            summary { "As a table" }
            table {
                thead { tr { th { "Day" } th.number { "Pulls" } th.number { "Pushes" } } }
                tbody {
                    @for day in days.iter().rev().filter(|day| day.pulls + day.pushes > 0) {
                        tr {
                            th scope="row" { (day.day) }
                            td.number data-label="Pulls" { (day.pulls) }
                            td.number data-label="Pushes" { (day.pushes) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(pulls: i64, pushes: i64) -> ActiveDay {
        ActiveDay { day: "2026-01-01".to_owned(), pulls, pushes }
    }

    #[test]
    fn the_line_goes_from_the_bottom_to_the_top_of_what_was_used() {
        let drawn = line(&[day(0, 0), day(1, 1), day(4, 0)]).into_string();
        assert!(drawn.contains(r#"d="M0 23l1 -11 1 -11""#), "{drawn}");
        assert!(drawn.contains("<title>5 pulls and 1 push in 3 days</title>"), "{drawn}");
    }

    #[test]
    fn the_greatest_count_fills_the_height_and_none_overflows() {
        for (count, most, expect) in [(0, 7, 0), (7, 7, 100), (i64::MAX, i64::MAX, 100), (1, 0, 100)] {
            assert_eq!(share(count, most, 100), expect, "{count} of {most}");
        }
    }

    #[test]
    fn without_use_nothing_is_drawn() {
        for drawn in [line(&[day(0, 0)]), bars(&[day(0, 0)])] {
            assert!(!drawn.into_string().contains("svg"));
        }
    }
}
