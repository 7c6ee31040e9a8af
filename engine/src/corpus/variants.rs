//! The variants of families as they are kept: which there are, and which texts have one.

use crate::column::{Column, encode, span};
use crate::error::{CorruptKind, Result};
use crate::family::{Variant, Variants};
use crate::num::{u64_of, usize_of};
use crate::store::segment::{Container, ContainerWriter};

use super::families::section;
use super::population::Population;

/// Writes the tables.
pub(super) fn write(variants: &Variants, population: &Population<'_>, writer: &mut ContainerWriter) -> Result<()> {
    let rows = &variants.rows;
    writer.section(section::VARIANT_STARTS, &encode(variants.starts.iter().copied()))?;
    writer.section(section::VARIANT_IDS, &encode(rows.iter().map(|row| row.id)))?;
    writer.section(section::VARIANT_DOCUMENTS, &encode(rows.iter().map(|row| row.documents)))?;
    writer.section(section::VARIANT_REQUESTS, &encode(rows.iter().map(|row| row.requests)))?;
    writer.section(section::VARIANT_ACCOUNTS, &encode(rows.iter().map(|row| row.accounts)))?;
    writer.section(section::VARIANT_FIRST, &encode(rows.iter().map(|row| row.first_ms)))?;
    writer.section(section::VARIANT_LAST, &encode(rows.iter().map(|row| row.last_ms)))?;
    let (mut forms, mut of_forms, mut before) = (Vec::new(), Vec::new(), 0_u64);
    for (segment, view) in population.views().iter().enumerate() {
        for form in 0..view.form_count() {
            if let Some(variant) = variants.of_document(population.document_of(segment, form)) {
                forms.push(before + u64_of(form));
                of_forms.push(variant);
            }
        }
        before += u64_of(view.form_count());
    }
    writer.section(section::VARIANT_FORMS, &encode(forms))?;
    writer.section(section::FORM_VARIANTS, &encode(of_forms))
}

/// The variants of a store, opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct VariantTables<'a> {
    container: &'a Container,
    starts: Column<'a, u32>,
    ids: Column<'a, u64>,
    documents: Column<'a, u32>,
    requests: Column<'a, u64>,
    accounts: Column<'a, u32>,
    first: Column<'a, i64>,
    last: Column<'a, i64>,
    forms: Column<'a, u64>,
    of_forms: Column<'a, u32>,
}

impl<'a> VariantTables<'a> {
    /// Views the variants of `families` families; `None` in a file of an earlier build, which has none.
    pub(super) fn open(container: &'a Container, families: usize) -> Result<Option<Self>> {
        if container.section(section::VARIANT_STARTS).is_none() {
            return Ok(None);
        }
        let tables = Self {
            container,
            starts: container.column(section::VARIANT_STARTS)?,
            ids: container.column(section::VARIANT_IDS)?,
            documents: container.column(section::VARIANT_DOCUMENTS)?,
            requests: container.column(section::VARIANT_REQUESTS)?,
            accounts: container.column(section::VARIANT_ACCOUNTS)?,
            first: container.column(section::VARIANT_FIRST)?,
            last: container.column(section::VARIANT_LAST)?,
            forms: container.column(section::VARIANT_FORMS)?,
            of_forms: container.column(section::FORM_VARIANTS)?,
        };
        let rows = tables.ids.len();
        let fits = [
            (section::VARIANT_STARTS, tables.starts.len() == families + 1),
            (section::VARIANT_DOCUMENTS, tables.documents.len() == rows),
            (section::VARIANT_REQUESTS, tables.requests.len() == rows),
            (section::VARIANT_ACCOUNTS, tables.accounts.len() == rows),
            (section::VARIANT_FIRST, tables.first.len() == rows),
            (section::VARIANT_LAST, tables.last.len() == rows),
            (section::FORM_VARIANTS, tables.of_forms.len() == tables.forms.len()),
        ];
        match fits.into_iter().find(|(_, fits)| !fits) {
            Some((id, _)) => Err(container.damaged(id, CorruptKind::Bounds)),
            None => Ok(Some(tables)),
        }
    }

    /// The variants of a family.
    pub(super) fn of_family(&self, family: usize) -> Result<Vec<Variant>> {
        let damaged = || self.container.damaged(section::VARIANT_STARTS, CorruptKind::Bounds);
        let rows = span(self.starts, family, self.ids.len()).ok_or_else(damaged)?;
        rows.map(|row| self.info(row)).collect()
    }

    fn info(&self, row: usize) -> Result<Variant> {
        let lost = || self.container.damaged(section::VARIANT_IDS, CorruptKind::Bounds);
        Ok(Variant {
            id: self.ids.get(row).ok_or_else(lost)?,
            documents: self.documents.get(row).ok_or_else(lost)?,
            requests: self.requests.get(row).ok_or_else(lost)?,
            accounts: self.accounts.get(row).ok_or_else(lost)?,
            first_ms: self.first.get(row).ok_or_else(lost)?,
            last_ms: self.last.get(row).ok_or_else(lost)?,
        })
    }

    /// The id of the variant of a form, which is numbered over all segments.
    pub(super) fn of_form(&self, form: u64) -> Option<u64> {
        let (mut from, mut to) = (0, self.forms.len());
        while from < to {
            let middle = from.midpoint(to);
            match self.forms.get(middle)?.cmp(&form) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
                std::cmp::Ordering::Equal => return self.ids.get(usize_of(self.of_forms.get(middle)?)),
            }
        }
        None
    }
}
