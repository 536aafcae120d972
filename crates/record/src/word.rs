/// Defines a closed vocabulary: an enum whose variants are written in one
/// spelling everywhere (files, filters, reports), kebab-case, and can be listed.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident,)+ }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
            strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray, strum::VariantNames,
        )]
        #[serde(rename_all = "kebab-case")]
        #[strum(serialize_all = "kebab-case")]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        $crate::word_schema!($name);

        impl $name {
            /// Every word of this vocabulary, in the order in which tables show it.
            pub const ALL: &'static [$name] = <$name as strum::VariantArray>::VARIANTS;

            /// How they are written, in the same order.
            pub const WORDS: &'static [&'static str] = <$name as strum::VariantNames>::VARIANTS;

            /// The word as it is written in files and reports.
            pub fn word(self) -> &'static str {
                self.into()
            }
        }
    };
}

/// The schema of a vocabulary: its words.
#[doc(hidden)]
#[cfg(feature = "schema")]
#[macro_export]
macro_rules! word_schema {
    ($name:ident) => {
        impl $crate::schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(
                _: &mut $crate::schemars::SchemaGenerator,
            ) -> $crate::schemars::Schema {
                $crate::schemars::json_schema!({ "type": "string", "enum": $name::WORDS })
            }
        }
    };
}

/// Without the feature `schema` a vocabulary has none.
#[doc(hidden)]
#[cfg(not(feature = "schema"))]
#[macro_export]
macro_rules! word_schema {
    ($name:ident) => {};
}
