// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Information Elements: what a field of a record means (RFC 7012), and those of IANA's that are used here.

/// The length that stands for "given in each record" in a template (RFC 7011, 7).
pub const VARIABLE: u16 = 65_535;

/// An abstract data type; the numbers are those of `informationElementDataType` (RFC 5610, 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataType {
    /// Octets without a further meaning.
    OctetArray = 0,
    /// One octet.
    Unsigned8 = 1,
    /// Two octets.
    Unsigned16 = 2,
    /// Four octets.
    Unsigned32 = 3,
    /// Eight octets.
    Unsigned64 = 4,
    /// Eight octets, two's complement.
    Signed64 = 8,
    /// One octet: 1 is true, 2 is false.
    Boolean = 11,
    /// UTF-8 text.
    String = 13,
    /// Milliseconds since 1970 in eight octets.
    DateTimeMilliseconds = 15,
    /// NTP time in eight octets: seconds since 1900, and 2^-32 seconds (RFC 7011, 6.1.10).
    DateTimeNanoseconds = 17,
    /// Sixteen octets.
    Ipv6Address = 19,
}

impl DataType {
    /// Octets of a value, or [`VARIABLE`].
    #[must_use]
    pub const fn length(self) -> u16 {
        match self {
            Self::OctetArray | Self::String => VARIABLE,
            Self::Unsigned8 | Self::Boolean => 1,
            Self::Unsigned16 => 2,
            Self::Unsigned32 => 4,
            Self::Unsigned64
            | Self::Signed64
            | Self::DateTimeMilliseconds
            | Self::DateTimeNanoseconds => 8,
            Self::Ipv6Address => 16,
        }
    }

    /// The name in the registry of IANA.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OctetArray => "octetArray",
            Self::Unsigned8 => "unsigned8",
            Self::Unsigned16 => "unsigned16",
            Self::Unsigned32 => "unsigned32",
            Self::Unsigned64 => "unsigned64",
            Self::Signed64 => "signed64",
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::DateTimeMilliseconds => "dateTimeMilliseconds",
            Self::DateTimeNanoseconds => "dateTimeNanoseconds",
            Self::Ipv6Address => "ipv6Address",
        }
    }

    /// The largest value, where the type is a number without a sign; else 0, which says nothing of
    /// a range.
    #[must_use]
    pub const fn range_end(self) -> u64 {
        match self {
            Self::Unsigned8 => 0xFF,
            Self::Unsigned16 => 0xFFFF,
            Self::Unsigned32 => 0xFFFF_FFFF,
            Self::Unsigned64 => u64::MAX,
            _ => 0,
        }
    }
}

/// What a number is; the values are those of `informationElementSemantics` (RFC 5610, 3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Semantics {
    /// Nothing special.
    Default = 0,
    /// A measured value.
    Quantity = 1,
    /// A count from the beginning on.
    TotalCounter = 2,
    /// A count since the record before.
    DeltaCounter = 3,
    /// A name in the form of a number.
    Identifier = 4,
    /// Bits.
    Flags = 5,
}

impl Semantics {
    /// The name in the registry of IANA.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Quantity => "quantity",
            Self::TotalCounter => "totalCounter",
            Self::DeltaCounter => "deltaCounter",
            Self::Identifier => "identifier",
            Self::Flags => "flags",
        }
    }
}

/// The unit of a number; the values are those of `informationElementUnits` (RFC 5610, 3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// None, or one that the registry has not.
    None = 0,
    /// Packets.
    Packets = 3,
    /// Seconds.
    Seconds = 5,
    /// Millionths of a second.
    Microseconds = 7,
    /// Thousandths of a microsecond.
    Nanoseconds = 8,
    /// IP hops.
    Hops = 11,
}

impl Units {
    /// The name in the registry of IANA; empty for none.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Packets => "packets",
            Self::Seconds => "seconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
            Self::Hops => "hops",
        }
    }
}

/// Who gave an element its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// IANA.
    Iana,
    /// The holder of the enterprise number a collector is configured with.
    Enterprise,
}

/// An Information Element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its number, 15 bits.
    pub id: u16,
    /// Who gave it that.
    pub owner: Owner,
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub data_type: DataType,
    /// Octets in a record, or [`VARIABLE`].
    pub length: u16,
    /// What its number is.
    pub semantics: Semantics,
    /// The number's unit.
    pub units: Units,
    /// One sentence; empty for those of IANA.
    pub description: &'static str,
}

impl Element {
    const fn iana(id: u16, name: &'static str, data_type: DataType) -> Self {
        Self {
            id,
            owner: Owner::Iana,
            name,
            data_type,
            length: data_type.length(),
            semantics: Semantics::Default,
            units: Units::None,
            description: "",
        }
    }

    /// An element of the configured enterprise.
    #[must_use]
    pub const fn enterprise(
        id: u16,
        name: &'static str,
        data_type: DataType,
        semantics: Semantics,
        units: Units,
        description: &'static str,
    ) -> Self {
        Self {
            owner: Owner::Enterprise,
            semantics,
            units,
            description,
            ..Self::iana(id, name, data_type)
        }
    }

    /// The same in fewer octets (RFC 7011, 6.2).
    #[must_use]
    pub const fn reduced(self, length: u16) -> Self {
        Self { length, ..self }
    }
}

macro_rules! iana {
    ($($constant:ident = $id:literal $name:literal $data_type:ident;)*) => {
        $(
            #[doc = concat!("`", $name, "`.")]
            pub const $constant: Element = Element::iana($id, $name, DataType::$data_type);
        )*
        /// Those of IANA's that are used here, by number.
        pub const IANA: &[Element] = &[$($constant),*];
    };
}

iana! {
    PACKET_DELTA_COUNT = 2 "packetDeltaCount" Unsigned64;
    PROTOCOL_IDENTIFIER = 4 "protocolIdentifier" Unsigned8;
    SOURCE_TRANSPORT_PORT = 7 "sourceTransportPort" Unsigned16;
    INGRESS_INTERFACE = 10 "ingressInterface" Unsigned32;
    DESTINATION_TRANSPORT_PORT = 11 "destinationTransportPort" Unsigned16;
    SOURCE_IPV6_ADDRESS = 27 "sourceIPv6Address" Ipv6Address;
    DESTINATION_IPV6_ADDRESS = 28 "destinationIPv6Address" Ipv6Address;
    FLOW_LABEL_IPV6 = 31 "flowLabelIPv6" Unsigned32;
    EXPORTED_OCTET_TOTAL_COUNT = 40 "exportedOctetTotalCount" Unsigned64;
    EXPORTED_MESSAGE_TOTAL_COUNT = 41 "exportedMessageTotalCount" Unsigned64;
    EXPORTED_FLOW_RECORD_TOTAL_COUNT = 42 "exportedFlowRecordTotalCount" Unsigned64;
    INTERFACE_NAME = 82 "interfaceName" String;
    PACKET_TOTAL_COUNT = 86 "packetTotalCount" Unsigned64;
    EXPORTING_PROCESS_ID = 144 "exportingProcessId" Unsigned32;
    OBSERVATION_DOMAIN_ID = 149 "observationDomainId" Unsigned32;
    FLOW_START_NANOSECONDS = 156 "flowStartNanoseconds" DateTimeNanoseconds;
    FLOW_END_NANOSECONDS = 157 "flowEndNanoseconds" DateTimeNanoseconds;
    NOT_SENT_FLOW_TOTAL_COUNT = 165 "notSentFlowTotalCount" Unsigned64;
    INFORMATION_ELEMENT_ID = 303 "informationElementId" Unsigned16;
    OBSERVATION_TIME_MILLISECONDS = 323 "observationTimeMilliseconds" DateTimeMilliseconds;
    OBSERVATION_TIME_NANOSECONDS = 325 "observationTimeNanoseconds" DateTimeNanoseconds;
    SELECTOR_NAME = 335 "selectorName" String;
    INFORMATION_ELEMENT_DATA_TYPE = 339 "informationElementDataType" Unsigned8;
    INFORMATION_ELEMENT_DESCRIPTION = 340 "informationElementDescription" String;
    INFORMATION_ELEMENT_NAME = 341 "informationElementName" String;
    INFORMATION_ELEMENT_RANGE_BEGIN = 342 "informationElementRangeBegin" Unsigned64;
    INFORMATION_ELEMENT_RANGE_END = 343 "informationElementRangeEnd" Unsigned64;
    INFORMATION_ELEMENT_SEMANTICS = 344 "informationElementSemantics" Unsigned8;
    INFORMATION_ELEMENT_UNITS = 345 "informationElementUnits" Unsigned16;
    PRIVATE_ENTERPRISE_NUMBER = 346 "privateEnterpriseNumber" Unsigned32;
    PATH_DELAY_MEAN = 530 "pathDelayMeanDeltaMicroseconds" Unsigned32;
    PATH_DELAY_MIN = 531 "pathDelayMinDeltaMicroseconds" Unsigned32;
    PATH_DELAY_MAX = 532 "pathDelayMaxDeltaMicroseconds" Unsigned32;
    PATH_DELAY_SUM = 533 "pathDelaySumDeltaMicroseconds" Unsigned64;
}
