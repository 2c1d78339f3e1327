//! One table of fields per place: a header, and each kind of report.

/// Gives a table of field names an enum of the names, and an enum of what their values are.
///
/// A row is `Variant "Name" ValueType Occurs "RFC section";`. The value type is read by its
/// [`super::Value`] implementation.
macro_rules! field_table {
    (
        $(#[doc = $names_doc:literal])+ names $Name:ident;
        $(#[doc = $typed_doc:literal])+ typed $Typed:ident;
        $($Field:ident $wire:literal $Value:ty, $occurs:ident $section:literal;)+
    ) => {
        $(#[doc = $names_doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $Name {
            $(#[doc = concat!("`", $wire, "` (", $section, ").")] $Field,)+
        }

        impl $Name {
            /// Every name, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$Field,)+];

            /// The name that `name` is, without regard to ASCII case.
            pub fn of(name: &[u8]) -> Option<Self> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|known| known.as_str().as_bytes().eq_ignore_ascii_case(name))
            }

            /// The name as its RFC writes it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$Field => $wire,)+
                }
            }

            /// Where the field is defined.
            pub const fn section(self) -> &'static str {
                match self {
                    $(Self::$Field => $section,)+
                }
            }

            /// What a value of the field is.
            pub const fn grammar(self) -> $crate::header::typed::Grammar {
                #[expect(clippy::extra_unused_lifetimes, reason = "the rows of the table say 'a")]
                const fn of<'a>(name: $Name) -> $crate::header::typed::Grammar {
                    match name {
                        $($Name::$Field => {
                            <$Value as $crate::header::typed::Value<'a>>::GRAMMAR
                        })+
                    }
                }
                of(self)
            }

            /// How often the field stands in one header, or in one block of a report.
            pub const fn occurs(self) -> $crate::header::typed::Occurs {
                match self {
                    $(Self::$Field => $crate::header::typed::Occurs::$occurs,)+
                }
            }

            /// Reads a value of the field.
            pub fn read<'a>(self, value: &'a [u8]) -> $Typed<'a> {
                let read = match self {
                    $(Self::$Field => {
                        <$Value as $crate::header::typed::Value<'a>>::read(value).map($Typed::$Field)
                    })+
                };
                read.unwrap_or_else(|error| $Typed::Malformed { field: self, error, raw: value })
            }
        }

        impl core::fmt::Display for $Name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        $(#[doc = $typed_doc])+
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub enum $Typed<'a> {
            $(#[doc = concat!("`", $wire, "` (", $section, ").")] $Field($Value),)+
            /// A known field whose value is not what its grammar allows.
            Malformed {
                /// Which field it is.
                field: $Name,
                /// Which rule is broken; the offset counts from `raw`.
                error: $crate::header::typed::TypedError,
                /// The value as it was handed in.
                raw: &'a [u8],
            },
            /// Any other field: its value is text (RFC 5322 3.6.8).
            Unstructured($crate::header::unstructured::Unstructured<'a>),
            /// What stands in the place of a field and is none.
            NotAField {
                /// Why it is none.
                defect: $crate::header::scan::FieldDefect,
                /// All of it but its line end.
                raw: &'a [u8],
            },
        }

        impl<'a> $Typed<'a> {
            /// Reads the value of `field` by its name.
            pub fn of(field: &$crate::header::scan::Field<'a>) -> Self {
                let raw = field.value();
                if let (true, Some(defect)) = (field.is_malformed(), field.defect()) {
                    return Self::NotAField { defect, raw };
                }
                match $Name::of(field.name()) {
                    Some(name) => name.read(raw),
                    None => Self::Unstructured($crate::header::unstructured::Unstructured::new(raw)),
                }
            }

            /// Which rule the value breaks.
            pub const fn error(&self) -> Option<$crate::header::typed::TypedError> {
                match self {
                    Self::Malformed { error, .. } => Some(*error),
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use field_table;
