//! `#[both_engines]`: one sentence, told on SQLite and on PostgreSQL; `#[on_postgres]`: on the latter alone. Only the
//! macros live here; what they call is in `testkit::engine`.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, ItemFn, Type};

/// Turns `async fn sentence(t: Setting) { … }` into the tests `sentence::on_sqlite` and `sentence::on_postgres`.
///
/// `Setting` is any type with `async fn on(engine: testkit::Engine) -> Self`; it is built anew for each test and
/// dropped after it. The crate that uses the macro depends on `testkit`. The test runs on a multi-threaded tokio
/// runtime. Where PostgreSQL is not installed, `on_postgres` says "skipped" and passes; with the variable `CI`
/// set it fails. `#[ignore]` goes to both tests, other attributes to the sentence.
#[proc_macro_attribute]
pub fn both_engines(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let sentence = syn::parse_macro_input!(item as ItemFn);
    expand(&arguments.into(), sentence, &BOTH).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// [`macro@both_engines`] without SQLite: for what takes several servers, which share no SQLite file.
#[proc_macro_attribute]
pub fn on_postgres(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let sentence = syn::parse_macro_input!(item as ItemFn);
    expand(&arguments.into(), sentence, &BOTH[1..]).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// The engines, as `testkit::Engine` names them.
const BOTH: [&str; 2] = ["Sqlite", "Postgres"];

fn expand(arguments: &Tokens, mut sentence: ItemFn, engines: &[&str]) -> syn::Result<Tokens> {
    if !arguments.is_empty() {
        return Err(syn::Error::new_spanned(arguments, "a sentence's attribute takes no arguments"));
    }
    let setting = setting_type(&sentence)?;
    let name = sentence.sig.ident.clone();
    let (for_tests, for_sentence): (Vec<_>, Vec<_>) = sentence.attrs.drain(..).partition(belongs_to_tests);
    sentence.attrs = for_sentence;
    let test = |engine: &&str| {
        let (function, engine) = (format_ident!("on_{}", engine.to_lowercase()), format_ident!("{engine}"));
        quote! {
            #[test]
            #(#for_tests)*
            fn #function() {
                ::testkit::engine::tell(::testkit::Engine::#engine, stringify!(#name), async |engine| {
                    #name(<#setting>::on(engine).await).await
                });
            }
        }
    };
    let tests = engines.iter().map(test);
    Ok(quote! {
        mod #name {
            #[allow(unused_imports)]
            use super::*;
            #sentence
            #(#tests)*
        }
    })
}

fn setting_type(sentence: &ItemFn) -> syn::Result<Type> {
    let signature = &sentence.sig;
    if signature.asyncness.is_none() {
        return Err(syn::Error::new_spanned(signature, "a sentence is an `async fn`"));
    }
    match (signature.inputs.first(), signature.inputs.len()) {
        (Some(FnArg::Typed(argument)), 1) => Ok((*argument.ty).clone()),
        _ => Err(syn::Error::new_spanned(
            signature,
            "a sentence has exactly one argument, whose type has `async fn on(testkit::Engine) -> Self`",
        )),
    }
}

fn belongs_to_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("ignore")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<&[&str], &str>) {
        let sentence: ItemFn = syn::parse_str(text).unwrap();
        match (expand(&Tokens::new(), sentence, &BOTH), expect) {
            (Ok(tokens), Ok(parts)) => {
                let code = tokens.to_string();
                for part in parts {
                    assert!(code.contains(part), "{part} is not in {code}");
                }
            }
            (Err(error), Err(message)) => assert!(error.to_string().contains(message), "{error}"),
            (got, _) => panic!("{text}: {got:?}"),
        }
    }

    #[test]
    fn a_sentence_becomes_a_test_on_each_engine() {
        check(
            "async fn a_sentence(t: TestServer) { t.works(); }",
            Ok(&[
                "mod a_sentence {",
                "fn on_sqlite ()",
                "fn on_postgres ()",
                "< TestServer > :: on (engine)",
            ]),
        );
    }

    #[test]
    fn a_sentence_about_several_servers_is_told_on_postgres_alone() {
        let sentence: ItemFn = syn::parse_str("async fn a(t: T) {}").unwrap();
        let code = expand(&Tokens::new(), sentence, &BOTH[1..]).unwrap().to_string();
        assert!(code.contains("fn on_postgres ()") && !code.contains("on_sqlite"), "{code}");
    }

    #[test]
    fn ignoring_goes_to_the_tests_and_not_to_the_sentence() {
        check("#[ignore] async fn slow(t: T) {}", Ok(&["# [test] # [ignore] fn on_sqlite ()"]));
        check("#[allow(dead_code)] async fn fast(t: T) {}", Ok(&["# [allow (dead_code)] async fn fast"]));
    }

    #[test]
    fn what_is_no_sentence_is_refused_with_the_reason() {
        check("fn a(t: T) {}", Err("`async fn`"));
        check("async fn a() {}", Err("exactly one argument"));
        check("async fn a(t: T, u: U) {}", Err("exactly one argument"));
        check("async fn a(self) {}", Err("exactly one argument"));
    }

    #[test]
    fn arguments_are_refused() {
        let sentence: ItemFn = syn::parse_str("async fn a(t: T) {}").unwrap();
        let error = expand(&quote!(sqlite), sentence, &BOTH).unwrap_err();
        assert!(error.to_string().contains("takes no arguments"), "{error}");
    }
}
