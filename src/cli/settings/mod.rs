//! Declares and reads settings. The settings themselves are in [`super::table`].
//!
//! A setting is one row of a table: its flag, variables, parser, default and documentation. The row determines the
//! command line ([`description::Description::argument`]), the value ([`row::Row::read`]: the flag, else the first
//! variable that is set, else the default) and `docs/reference.md` (`cli/reference.rs`).

pub(super) mod description;
pub(super) mod parse;
pub(super) mod problems;
pub(super) mod raw;
pub(super) mod row;
#[cfg(test)]
mod settings_test;
pub(super) mod source;

/// Declares the settings of a command, or a group of settings that several commands share.
///
/// ```text
/// settings! {
///     /// What the command does, for its help
///     pub(in crate::cli) struct Serve {
///         /// Port to listen on
///         ///
///         /// Paragraphs after an empty line are only in docs/reference.md.
///         port: Defaulted<u16> = flag("port", "PORT").variables(&["BYOC_PORT"]).parse(port).default("8080");
///     }
/// }
/// ```
///
/// This generates a struct with a field `port: u16`, the row as the constant `Serve::port`, and an implementation of
/// [`raw::Group`], which reads the struct and lists its rows. The compiler warns about settings that no code uses. A
/// row without documentation keeps that of the row from which it is derived.
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        $visibility:vis struct $group:ident {
            $( $(#[doc = $doc:literal])* $field:ident: $row:ty = $definition:expr; )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        $visibility struct $group {
            $( $(#[doc = $doc])* $visibility $field: <$row as $crate::cli::settings::row::Row>::Value, )*
        }

        #[allow(non_upper_case_globals, reason = "a row has the name of its field")]
        impl $group {
            $( $visibility const $field: $row =
                $crate::cli::settings::settings!(@documented $definition $(, $doc)*); )*
        }

        impl $crate::cli::settings::raw::Group for $group {
            const ABOUT: &'static str = concat!($($about, "\n"),+);

            fn descriptions() -> Vec<$crate::cli::settings::description::Description> {
                let rows = [$( $crate::cli::settings::row::Row::descriptions(&Self::$field), )*];
                rows.into_iter().flatten().collect()
            }

            fn read(
                raw: &$crate::cli::settings::raw::RawSettings,
                problems: &mut $crate::cli::settings::problems::Problems,
            ) -> Self {
                Self { $( $field: $crate::cli::settings::row::Row::read(&Self::$field, raw, problems), )* }
            }
        }
    };
    (@documented $definition:expr) => { $definition };
    (@documented $definition:expr, $($doc:literal),+) => { $definition.documented(concat!($($doc, "\n"),+)) };
}

pub(in crate::cli) use settings;
