//! What a test that uses `fwlab` can name, as a text: a change of it is seen, and meant.

use std::fmt::Write as _;

use syn::visit_mut::VisitMut;
use syn::{
    Attribute, Block, Expr, Fields, ImplItem, Item, ItemImpl, Stmt, Visibility, parse_quote,
};

use crate::architecture::sources;
use crate::support::root;

/// Leaves of each item what others can see: no body, no private field, no comment.
struct Outside;

impl VisitMut for Outside {
    fn visit_block_mut(&mut self, block: &mut Block) {
        block.stmts = Vec::<Stmt>::new();
    }

    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        let seen = [
            "cfg",
            "deprecated",
            "derive",
            "macro_export",
            "must_use",
            "non_exhaustive",
        ];
        attributes.retain(|attribute| seen.iter().any(|name| attribute.path().is_ident(name)));
        for attribute in attributes
            .iter_mut()
            .filter(|one| one.path().is_ident("must_use"))
        {
            *attribute = parse_quote!(#[must_use]);
        }
    }

    fn visit_fields_mut(&mut self, fields: &mut Fields) {
        if let Fields::Named(named) = fields {
            let all = std::mem::take(&mut named.named);
            named.named = all
                .into_iter()
                .filter(|field| is_public(&field.vis))
                .collect();
        }
        syn::visit_mut::visit_fields_mut(self, fields);
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// What of an item is public: all of a trait's implementation, and of a type's own only what says `pub`.
fn public(item: Item) -> Option<Item> {
    let mut item = match item {
        Item::Impl(block) => Item::Impl(public_of(block)?),
        Item::Const(mut item) => {
            *item.expr = Expr::Verbatim(quote::quote!(_));
            Item::Const(item)
        }
        Item::Macro(mut item) => {
            item.mac.tokens = Default::default();
            Item::Macro(item)
        }
        item => item,
    };
    let is_seen = match &item {
        Item::Fn(item) => is_public(&item.vis),
        Item::Struct(item) => is_public(&item.vis),
        Item::Enum(item) => is_public(&item.vis),
        Item::Trait(item) => is_public(&item.vis),
        Item::Type(item) => is_public(&item.vis),
        Item::Const(item) => is_public(&item.vis),
        Item::Use(item) => is_public(&item.vis),
        Item::Mod(item) => is_public(&item.vis),
        Item::Macro(item) => item
            .attrs
            .iter()
            .any(|one| one.path().is_ident("macro_export")),
        Item::Impl(_) => true,
        _ => false,
    };
    if !is_seen {
        return None;
    }
    // An enum's variants have no visibility of their own, nor have their fields.
    match &mut item {
        Item::Enum(item) => {
            Outside.visit_attributes_mut(&mut item.attrs);
            for variant in &mut item.variants {
                Outside.visit_attributes_mut(&mut variant.attrs);
                for field in &mut variant.fields {
                    Outside.visit_attributes_mut(&mut field.attrs);
                }
            }
        }
        item => Outside.visit_item_mut(item),
    }
    Some(item)
}

fn public_of(mut block: ItemImpl) -> Option<ItemImpl> {
    if block.trait_.is_some() {
        block.items.retain(|item| matches!(item, ImplItem::Type(_)));
        return Some(block);
    }
    block.items.retain(|item| match item {
        ImplItem::Fn(item) => is_public(&item.vis),
        ImplItem::Const(item) => is_public(&item.vis),
        ImplItem::Type(item) => is_public(&item.vis),
        _ => false,
    });
    (!block.items.is_empty()).then_some(block)
}

#[test]
fn the_library_s_public_api_is_this() {
    let folder = root().join("crates/fwlab/src");
    let mut files = sources(&folder);
    files.sort();
    let mut text = String::new();
    for file in files {
        let source = std::fs::read_to_string(&file).expect("source is text");
        let mut parsed = syn::parse_file(&source).expect("it compiles");
        parsed.attrs.clear();
        parsed.items = parsed.items.into_iter().filter_map(public).collect();
        if !parsed.items.is_empty() {
            let name = file.strip_prefix(&folder).expect("within").display();
            let _ = write!(text, "// {name}\n{}\n", prettyplease::unparse(&parsed));
        }
    }
    insta::assert_snapshot!(text);
}
