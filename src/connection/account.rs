//! What every vendor declares, and what every account can do: the two things that the rest of the provider knows of a vendor.

use std::any::Any;

use async_trait::async_trait;

use super::Opening;
use crate::call::CallError;
use crate::terraform::{Attribute, Block, BlockNesting, NestedBlock};

/// A vendor, or another system with accounts of its own: its block in the provider's configuration, as data.
pub struct Vendor {
    /// The name of its block: `fly`.
    pub block: &'static str,
    /// Its name in texts: `Fly`.
    pub title: &'static str,
    /// What the block is for, in Markdown.
    pub description: &'static str,
    /// What is different in a `connection`, in Markdown; empty for nothing but the environment.
    pub named: &'static str,
    /// The block's arguments.
    pub attributes: fn() -> Vec<Attribute>,
    /// The blocks inside it.
    pub blocks: fn() -> Vec<NestedBlock>,
    /// The provider block takes it directly, and completes it from the environment. Otherwise it stands in a `connection` only.
    pub has_default: bool,
    /// Reads the block. `None` when something in it is unknown or wrong; what is wrong is reported to the opening.
    pub open: fn(&mut Opening<'_>) -> Option<Box<dyn Account>>,
}

impl Vendor {
    /// By whatever an account adds to addresses.
    pub const fn reach(&'static self) -> Reach {
        Reach {
            vendor: self,
            place: |account| account.place(),
        }
    }

    /// The block, as the provider's own account has it.
    pub fn own_block(&self) -> NestedBlock {
        NestedBlock {
            name: self.block,
            nesting: BlockNesting::Single,
            block: Block {
                attributes: (self.attributes)(),
                blocks: (self.blocks)(),
                description: self.description.to_owned(),
            },
        }
    }

    /// The block, as a `connection` has it: where there is an own account too, its defaults do not count here.
    pub fn named_block(&self) -> NestedBlock {
        if !self.has_default {
            return self.own_block();
        }
        let mut own = self.own_block();
        for attribute in &mut own.block.attributes {
            if let Some((what, _)) = attribute.description.split_once(" Default: ") {
                attribute.description = what.to_owned();
            }
        }
        own.block.description = format!(
            "As the provider's own block `{}`, but nothing is taken from the environment. {}",
            self.block, self.named
        );
        own.block.description.truncate(own.block.description.trim_end().len());
        own
    }
}

/// How a kind reaches its vendor.
#[derive(Clone, Copy)]
pub struct Reach {
    /// The vendor, whose connections it takes.
    pub vendor: &'static Vendor,
    /// What the account adds to addresses of this kind, as far as it knows without a call.
    pub place: fn(&dyn Account) -> String,
}

/// For vendors whose block holds arguments alone.
pub(super) fn no_blocks() -> Vec<NestedBlock> {
    Vec::new()
}

/// An account at a vendor. It may lack credentials: only who makes a call with it finds that wrong.
#[async_trait]
pub trait Account: Any + Send + Sync {
    /// Its vendor.
    fn vendor() -> &'static Vendor
    where
        Self: Sized;

    /// What it adds to addresses, as far as it knows without a call: an AWS region, a host that is not the vendor's own.
    fn place(&self) -> String {
        String::new()
    }

    /// The same with what only a call tells, asked once a run: the AWS account.
    ///
    /// # Errors
    /// Those of the call.
    async fn whole_place(&self) -> Result<String, CallError> {
        Ok(self.place())
    }

    /// The host of its API that is not this machine, if one is not: a moved clock must not decide anything there. Whatever
    /// [`Self::prepare`] finds counts.
    fn remote_host(&self) -> Option<String>;

    /// Looks, without any call, for what stands neither in the block nor in the environment: the region that an AWS profile names.
    /// A plan must know whether there is one.
    async fn prepare(&self) {}
}
