//! What is known: results of keys, the ingredients of keys, selections, blobs of layers, images and sources.
//!
//! Looking something up counts as using it; last uses are collected in memory and written by [`Store::flush`]. Recording
//! what is known already writes nothing.

use plimsoll_oci::{Descriptor, DiffId, Digest};
use rusqlite::{OptionalExtension as _, Row, named_params};

use crate::Store;
use crate::database::{Json, Raw, Size};
use crate::error::Result;
use crate::id::{LayerId, ResultId};
use crate::lease::Name;
use crate::store::Table;
use crate::time::Timestamp;

/// One outcome of running what a key names. A key may have several; none is ever replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultRecord {
    /// The result's own name.
    pub id: ResultId,
    /// The key that was run.
    pub key: Digest,
    /// The layers it was made on, bottom first.
    pub base: Vec<LayerId>,
    /// The layer it added; none if the operation leaves the file system as it is.
    pub layer: Option<LayerId>,
    /// When it was made: the `created` of the image's history.
    pub created: Timestamp,
    /// What else came out, as the solver wrote it (small).
    pub output: Vec<u8>,
}

impl ResultRecord {
    /// The whole chain of layers, bottom first.
    pub fn chain(&self) -> impl Iterator<Item = &LayerId> {
        self.base.iter().chain(&self.layer)
    }
}

/// A key and everything that went into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key.
    pub key: Digest,
    /// What is run, in words that stay the same when ingredients change.
    pub name: String,
    /// The ingredients, as JSON that the solver wrote.
    pub ingredients: Vec<u8>,
}

/// The blob that one layer was written into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRecord {
    /// The digest of the uncompressed bytes.
    pub diff_id: DiffId,
    /// The digest of the blob.
    pub digest: Digest,
    /// The size of the blob in bytes.
    pub size: u64,
    /// The size of the uncompressed bytes.
    pub uncompressed_size: u64,
    /// The type of the blob.
    pub media_type: String,
}

/// What a name from outside stood for when it was last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRecord {
    /// What it stood for.
    pub digest: Digest,
    /// When that was found out.
    pub resolved_at: Timestamp,
}

/// An image by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRecord {
    /// The reference, as text.
    pub name: String,
    /// Its manifest or index.
    pub target: Descriptor,
    /// When the name was given.
    pub updated: Timestamp,
}

/// Reads an id that this program wrote.
pub(crate) fn id<T: TryFrom<String, Error = crate::Error>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    T::try_from(row.get(column)?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

pub(crate) fn timestamp(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Ok(Timestamp { seconds: row.get(column)?, nanoseconds: row.get(column + 1)? })
}

impl Store {
    /// Keeps a result. Its layer must have been published before.
    pub fn record_result(&self, record: &ResultRecord) -> Result<()> {
        self.database().write("record a result", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR IGNORE INTO results (id, key, base, layer, created_seconds, created_nanoseconds, output, \
                     last_use) VALUES (:id, :key, :base, :layer, :seconds, :nanoseconds, :output, :now)",
                )?
                .execute(named_params! {
                    ":id": record.id.as_str(),
                    ":key": Raw(record.key),
                    ":base": Json(&record.base),
                    ":layer": record.layer.as_ref().map(LayerId::as_str),
                    ":seconds": record.created.seconds,
                    ":nanoseconds": record.created.nanoseconds,
                    ":output": record.output,
                    ":now": Timestamp::now().seconds,
                })?;
            Ok(())
        })
    }

    /// The results of a key, newest first. Use [`Store::pick_result`] before relying on one's bytes.
    pub fn results(&self, key: &Digest) -> Result<Vec<ResultRecord>> {
        self.database().read("look up results", |connection| {
            connection
                .prepare_cached(
                    "SELECT id, base, layer, created_seconds, created_nanoseconds, output FROM results WHERE key = ?1 \
                     ORDER BY created_seconds DESC, created_nanoseconds DESC, row DESC",
                )?
                .query_map([Raw(*key)], |row| {
                    let layer: Option<String> = row.get(2)?;
                    Ok(ResultRecord {
                        id: id(row, 0)?,
                        key: *key,
                        base: row.get::<_, Json<_>>(1)?.0,
                        layer: layer.map(|_| id(row, 2)).transpose()?,
                        created: timestamp(row, 3)?,
                        output: row.get(5)?,
                    })
                })?
                .collect()
        })
    }

    /// Chooses a result for this build: its chain of layers is put into this handle's lease, then looked at again.
    ///
    /// True if all of its layers are present, and will stay until the handle is dropped. False means known but absent.
    pub fn pick_result(&self, record: &ResultRecord) -> Result<bool> {
        let found: Option<(i64, i64)> = self.database().read("look up a result", |connection| {
            connection
                .prepare_cached("SELECT row, last_use FROM results WHERE id = ?1")?
                .query_row([record.id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })?;
        if let Some((row, last_use)) = found {
            self.touch(Table::Results, row, last_use);
        }
        let chain: Vec<_> = record.chain().cloned().collect();
        self.protect_layers(&chain)
    }

    /// Keeps what went into a key; `name` says what is run, in words that stay the same when ingredients change.
    pub fn record_key(&self, key: &Digest, ingredients_json: &[u8], name: &str) -> Result<()> {
        if self.key_ingredients(key)?.is_some_and(|known| known == ingredients_json) {
            return Ok(());
        }
        self.database().write("record a key", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO keys (key, name, ingredients, last_use) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT (key) DO UPDATE SET name = ?2, ingredients = ?3, last_use = ?4",
                )?
                .execute((Raw(*key), name, ingredients_json, Timestamp::now().seconds))?;
            Ok(())
        })
    }

    /// What went into a key.
    pub fn key_ingredients(&self, key: &Digest) -> Result<Option<Vec<u8>>> {
        let found: Option<(Vec<u8>, i64, i64)> = self.database().read("look up a key", |connection| {
            connection
                .prepare_cached("SELECT ingredients, row, last_use FROM keys WHERE key = ?1")?
                .query_row([Raw(*key)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()
        })?;
        Ok(found.map(|(ingredients, row, last_use)| {
            self.touch(Table::Keys, row, last_use);
            ingredients
        }))
    }

    /// The keys of the same name, most recently used first, at most 50: what a new key is compared with.
    pub fn nearest_keys(&self, name: &str) -> Result<Vec<KeyRecord>> {
        self.database().read("look up keys by name", |connection| {
            connection
                .prepare_cached(
                    "SELECT key, ingredients FROM keys WHERE name = ?1 ORDER BY last_use DESC, row DESC LIMIT 50",
                )?
                .query_map([name], |row| {
                    let key: Raw = row.get(0)?;
                    Ok(KeyRecord { key: key.0, name: name.to_owned(), ingredients: row.get(1)? })
                })?
                .collect()
        })
    }

    /// The digest of what a selection gives when it is taken from a chain of layers.
    pub fn selection(&self, chain: &Digest, spec: &Digest) -> Result<Option<Digest>> {
        let found: Option<(Raw, i64, i64)> = self.database().read("look up a selection", |connection| {
            connection
                .prepare_cached(
                    "SELECT digest, row, last_use FROM selections WHERE chain = ?1 AND spec = ?2",
                )?
                .query_row((Raw(*chain), Raw(*spec)), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()
        })?;
        Ok(found.map(|(digest, row, last_use)| {
            self.touch(Table::Selections, row, last_use);
            digest.0
        }))
    }

    /// Keeps the digest of a selection.
    pub fn record_selection(&self, chain: &Digest, spec: &Digest, digest: &Digest) -> Result<()> {
        if self.selection(chain, spec)? == Some(*digest) {
            return Ok(());
        }
        self.database().write("record a selection", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO selections (chain, spec, digest, last_use) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute((Raw(*chain), Raw(*spec), Raw(*digest), Timestamp::now().seconds))?;
            Ok(())
        })
    }

    /// The blob that a layer was written into; `variant` holds whatever its bytes depend on besides the layer: compression,
    /// level, version of the compressor, epoch.
    pub fn layer_blob(&self, layer: &LayerId, variant: &str) -> Result<Option<BlobRecord>> {
        let found = self.database().read("look up a layer's blob", |connection| {
            connection
                .prepare_cached(
                    "SELECT diff_id, digest, size, uncompressed_size, media_type, row, last_use FROM layer_blobs \
                     WHERE layer = ?1 AND variant = ?2",
                )?
                .query_row((layer.as_str(), variant), |row| {
                    Ok((blob_record(row)?, row.get::<_, i64>(5)?, row.get::<_, i64>(6)?))
                })
                .optional()
        })?;
        Ok(found.map(|(record, row, last_use)| {
            self.touch(Table::LayerBlobs, row, last_use);
            record
        }))
    }

    /// Keeps the blob that a layer was written into.
    pub fn record_layer_blob(&self, layer: &LayerId, variant: &str, record: &BlobRecord) -> Result<()> {
        self.database().write("record a layer's blob", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO layer_blobs (layer, variant, diff_id, digest, size, uncompressed_size, \
                     media_type, last_use) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute((
                    layer.as_str(),
                    variant,
                    Raw::from(&record.diff_id),
                    Raw(record.digest),
                    Size(record.size),
                    Size(record.uncompressed_size),
                    &record.media_type,
                    Timestamp::now().seconds,
                ))?;
            Ok(())
        })
    }

    /// All blobs that hold the layer with this diff id, most recently used first.
    pub fn layer_blobs(&self, diff_id: &DiffId) -> Result<Vec<BlobRecord>> {
        self.database().read("look up blobs of a layer", |connection| {
            connection
                .prepare_cached(
                    "SELECT diff_id, digest, size, uncompressed_size, media_type FROM layer_blobs WHERE diff_id = ?1 \
                     GROUP BY digest ORDER BY max(last_use) DESC, digest",
                )?
                .query_map([Raw::from(diff_id)], blob_record)?
                .collect()
        })
    }

    /// The blob of a base image's layer, which may be in the store or only in a registry.
    pub fn base_layer(&self, diff_id: &DiffId) -> Result<Option<Descriptor>> {
        let found: Option<(Json<Descriptor>, i64, i64)> =
            self.database().read("look up a base layer", |connection| {
                connection
                    .prepare_cached("SELECT descriptor, row, last_use FROM base_layers WHERE diff_id = ?1")?
                    .query_row([Raw::from(diff_id)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()
            })?;
        Ok(found.map(|(descriptor, row, last_use)| {
            self.touch(Table::BaseLayers, row, last_use);
            descriptor.0
        }))
    }

    /// Keeps which blob gives a base image's layers, all in one transaction.
    pub fn record_base_layers(&self, layers: &[(DiffId, Descriptor)]) -> Result<()> {
        let mut unknown = Vec::new();
        for layer in layers {
            if self.base_layer(&layer.0)?.as_ref() != Some(&layer.1) {
                unknown.push(layer);
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        self.database().write("record base layers", |transaction| {
            let mut statement = transaction.prepare_cached(
                "INSERT OR REPLACE INTO base_layers (diff_id, descriptor, last_use) VALUES (?1, ?2, ?3)",
            )?;
            let now = Timestamp::now().seconds;
            for (diff_id, descriptor) in unknown {
                statement.execute((Raw::from(diff_id), Json(descriptor), now))?;
            }
            Ok(())
        })
    }

    /// The repositories (`registry/repository`) that are known to hold a blob, most recently used first.
    pub fn blob_sources(&self, digest: &Digest) -> Result<Vec<String>> {
        let found: Vec<(String, i64, i64)> =
            self.database().read("look up sources of a blob", |connection| {
                connection
                    .prepare_cached(
                        "SELECT location, row, last_use FROM blob_sources WHERE digest = ?1 \
                         ORDER BY last_use DESC, row DESC",
                    )?
                    .query_map([Raw(*digest)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                    .collect()
            })?;
        let locations = found.into_iter().map(|(location, row, last_use)| {
            self.touch(Table::BlobSources, row, last_use);
            location
        });
        Ok(locations.collect())
    }

    /// Keeps that a repository (`registry/repository`) holds a blob.
    pub fn record_blob_source(&self, digest: &Digest, location: &str) -> Result<()> {
        if self.blob_sources(digest)?.iter().any(|known| known == location) {
            return Ok(());
        }
        self.database().write("record a blob's source", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO blob_sources (digest, location, last_use) VALUES (?1, ?2, ?3)",
                )?
                .execute((Raw(*digest), location, Timestamp::now().seconds))?;
            Ok(())
        })
    }

    /// Gives an image a name; the name's earlier image loses it. What the image consists of goes into the lease first.
    pub fn set_image(&self, name: &str, target: &Descriptor) -> Result<()> {
        if self.image(name)?.as_ref() == Some(target) {
            return Ok(());
        }
        let parts = self.image_parts(target)?;
        let blobs: Vec<_> = parts.blobs.iter().map(Name::Blob).collect();
        self.session()?.protect(&blobs, || Ok(()))?;
        self.database().write("name an image", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO images (name, target, updated, last_use) VALUES (?1, ?2, ?3, ?3)",
                )?
                .execute((name, Json(target), Timestamp::now().seconds))?;
            Ok(())
        })
    }

    /// The image of a name.
    pub fn image(&self, name: &str) -> Result<Option<Descriptor>> {
        let found: Option<(Json<Descriptor>, i64, i64)> =
            self.database().read("look up an image", |connection| {
                connection
                    .prepare_cached("SELECT target, row, last_use FROM images WHERE name = ?1")?
                    .query_row([name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()
            })?;
        Ok(found.map(|(target, row, last_use)| {
            self.touch(Table::Images, row, last_use);
            target.0
        }))
    }

    /// All images, by name. Listing them does not count as using them.
    pub fn images(&self) -> Result<Vec<ImageRecord>> {
        self.database().read("list the images", |connection| {
            connection
                .prepare_cached("SELECT name, target, updated FROM images ORDER BY name")?
                .query_map([], |row| {
                    Ok(ImageRecord {
                        name: row.get(0)?,
                        target: row.get::<_, Json<_>>(1)?.0,
                        updated: Timestamp::from_seconds(row.get(2)?),
                    })
                })?
                .collect()
        })
    }

    /// Takes a name away; true if it existed. The bytes go with the next prune.
    pub fn remove_image(&self, name: &str) -> Result<bool> {
        self.database().write("remove an image's name", |transaction| {
            Ok(transaction.execute("DELETE FROM images WHERE name = ?1", [name])? > 0)
        })
    }

    /// What a name from outside (a tag, a package suite) stood for when it was last asked.
    pub fn source(&self, name: &str) -> Result<Option<SourceRecord>> {
        let found = self.database().read("look up a source", |connection| {
            connection
                .prepare_cached(
                    "SELECT digest, resolved_seconds, resolved_nanoseconds, row, last_use FROM sources \
                     WHERE name = ?1",
                )?
                .query_row([name], |row| {
                    let digest: Raw = row.get(0)?;
                    let record = SourceRecord { digest: digest.0, resolved_at: timestamp(row, 1)? };
                    Ok((record, row.get::<_, i64>(3)?, row.get::<_, i64>(4)?))
                })
                .optional()
        })?;
        Ok(found.map(|(record, row, last_use)| {
            self.touch(Table::Sources, row, last_use);
            record
        }))
    }

    /// Keeps what a name from outside stands for.
    pub fn record_source(&self, name: &str, record: &SourceRecord) -> Result<()> {
        self.database().write("record a source", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO sources (name, digest, resolved_seconds, resolved_nanoseconds, last_use) \
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute((
                    name,
                    Raw(record.digest),
                    record.resolved_at.seconds,
                    record.resolved_at.nanoseconds,
                    Timestamp::now().seconds,
                ))?;
            Ok(())
        })
    }
}

fn blob_record(row: &Row<'_>) -> rusqlite::Result<BlobRecord> {
    let (diff_id, digest): (Raw, Raw) = (row.get(0)?, row.get(1)?);
    let (size, uncompressed_size): (Size, Size) = (row.get(2)?, row.get(3)?);
    Ok(BlobRecord {
        diff_id: DiffId(diff_id.0),
        digest: digest.0,
        size: size.0,
        uncompressed_size: uncompressed_size.0,
        media_type: row.get(4)?,
    })
}
