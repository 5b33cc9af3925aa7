//! Risky acts ask first: a page that says what will break, which the script shows as a dialog.

use maud::{Markup, html};

/// A question before an act.
pub(super) struct Question<'a> {
    /// What is asked.
    pub(super) title: &'a str,
    /// What will break, and whatever else is to be chosen or sent along.
    pub(super) text: Markup,
    /// Where the form goes.
    pub(super) action: &'a str,
    /// Further fields of the form.
    pub(super) fields: Markup,
    /// What the button says.
    pub(super) button: &'a str,
    /// Whether the act takes something away.
    pub(super) is_destructive: bool,
    /// Where nothing was done.
    pub(super) back: &'a str,
}

impl Question<'_> {
    /// The question, for a page of its own or for a dialog.
    pub(super) fn ask(self) -> Markup {
        let class = if self.is_destructive { "destructive" } else { "primary" };
        html! {
            .card.narrow data-question {
                h1 { (self.title) }
                (self.text)
                form method="post" action=(self.action) {
                    (self.fields)
                    .actions {
                        button class=(class) { (self.button) }
                        a.button href=(self.back) data-cancel { "Cancel" }
                    }
                }
            }
        }
    }
}
